"""The assembly of the chat service. Importing this module imports the libraries of the model and of the tools."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.agent.ui_links import UrlPatterns
from shared.chat.past_conversations import StoredConversations
from shared.chat.prefixes import Prefixes
from shared.chat.receipts import ReceiptRecorder
from shared.chat.recording import Recorders
from shared.chat.search_recorder import SearchRecorder
from shared.chat.service import ChatService
from shared.chat.titles import Titles
from shared.chat.turn_setup import TurnSetup
from shared.claude.anthropic_api import DEFAULT_URL, AnthropicApi
from shared.claude.client import Claude
from shared.observability.observed_model import ModelApi, ObservedModel
from shared.settings import DEVELOPMENT
from shared.tools.client_side import ClientSideToolset
from shared.tools.mcp.credentials import SecretDecryptor
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.toolset import Connector, ExternalToolset
from shared.tools.openapi.toolset import OpenAPIToolset
from shared.tools.recall import RecallToolset
from shared.tools.refresh import Refresher, RefreshToolset
from shared.tools.results.read_result import ReadResultToolset
from shared.tools.results.store import ResultStore
from shared.tools.search.toolset import SearchToolset
from shared.tools.toolbox import Toolbox
from shared.tools.undo.toolset import UndoToolset

if TYPE_CHECKING:
    from shared.chat.active_answers import ActiveAnswers
    from shared.chat.round_gate import Authorize
    from shared.claude.endpoint import Endpoint
    from shared.claude.rate_limits import RateLimits
    from shared.domain.models import Caller, Lease, Message
    from shared.graph.repositories import Repositories
    from shared.settings import Settings
    from shared.tools.openapi.toolset import DocumentStore

_NO_KEY = "none"
"""The API key if the assistant is forced on without a key; the model's server then needs none."""


def assemble_chat(
    settings: Settings,
    repositories: Repositories,
    answers: ActiveAnswers,
    authorize: Authorize,
    limits: RateLimits,
) -> ChatService:
    """Build the chat service.

    `authorize` returns a caller with the rights of the moment, and `limits` gets those of the model's API.
    """
    model = ObservedModel(model_client(settings, limits), _model_api(settings))
    api = api_tools(settings, repositories.api_document)
    toolbox = _toolbox(settings, api, repositories)
    patterns = UrlPatterns(settings.ui_document_url)
    prefixes = Prefixes(repositories.contents)
    return ChatService(
        repositories,
        answers,
        TurnSetup(settings, model, toolbox, patterns, prefixes, api.read_state),
        Titles(model, repositories, settings.anthropic_base_url),
        authorize,
        max_questions=settings.max_conversation_turns,
        limits=settings.user_limits,
        keep=api.keep,
        recorders_of=recorders_of,
    )


def recorders_of(caller: Caller, lease: Lease, question: Message) -> Recorders:  # noqa: ARG001  # not each needs all
    """Return the recorders of the answer to a question."""
    return Recorders([SearchRecorder(lease.conversation_id, caller.principal.subject), ReceiptRecorder(caller, lease)])


def model_client(settings: Settings, limits: RateLimits | None = None) -> Claude:
    """Build the client of the model, without a request."""
    return Claude(
        _endpoint(settings, limits), idle_seconds=settings.model_idle_seconds, clear_above=settings.clear_results_tokens
    )


def _model_api(settings: Settings) -> ModelApi:
    """Return the model's API as spans and metrics name it."""
    urls = {
        "anthropic": DEFAULT_URL,
        "bedrock": f"https://bedrock-runtime.{settings.aws_region}.amazonaws.com",
        "aws": f"https://aws-external-anthropic.{settings.aws_region}.api.aws",
    }
    url = urlsplit(settings.anthropic_base_url or urls[settings.provider])
    port = url.port or {"http": 80}.get(url.scheme, 443)
    return ModelApi("aws.bedrock" if settings.provider == "bedrock" else "anthropic", url.hostname or "", port)


def _endpoint(settings: Settings, limits: RateLimits | None) -> Endpoint:
    if settings.provider != "anthropic" and settings.aws_region is not None:
        from shared.claude.platforms import PlatformApi  # noqa: PLC0415  # imports the SDK, which takes a second

        return PlatformApi(
            settings.provider,
            region=settings.aws_region,
            workspace_id=settings.aws_workspace_id,
            base_url=settings.anthropic_base_url,
            idle_seconds=settings.model_idle_seconds,
        )
    key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else _NO_KEY
    return AnthropicApi(key, settings.anthropic_base_url, idle_seconds=settings.model_idle_seconds, limits=limits)


def api_tools(settings: Settings, store: DocumentStore | None = None) -> OpenAPIToolset:
    """Build the tools of the Imbi API, without a request; `store` keeps the API's document for the next start."""
    return OpenAPIToolset(
        settings.api_url, timeout=settings.tool_timeout_seconds, store=store, rules=settings.approval_rules
    )


def mcp_connector(settings: Settings) -> Connector:
    """Build what connects to external servers, with the rules for their addresses and the keys of their secrets."""
    policy = AddressPolicy(settings.mcp_allowed_hosts, allows_private=settings.environment == DEVELOPMENT)
    return Connector(Network(policy), SecretDecryptor(settings.encryption_keys))


def _toolbox(settings: Settings, api: OpenAPIToolset, repositories: Repositories) -> Toolbox:
    """Combine the sources of tools. If two sources have a tool of the same name, the earlier source's tool is used."""
    timeout = settings.tool_timeout_seconds
    servers = repositories.mcp_servers
    undoing = UndoToolset(api, repositories.receipts)
    external = ExternalToolset(
        servers.enabled,
        mcp_connector(settings),
        reserved=lambda: api.names,
        record_health=servers.record_health,
        accepted=repositories.mcp_tools,
        connect_timeout_seconds=settings.mcp_connect_seconds,
    )
    refresher = Refresher([api, external], timeout=timeout)
    search = SearchToolset(lambda caller: toolbox.for_caller(caller).definitions())
    results = ResultStore()
    reading = ReadResultToolset(results, settings.max_tool_result_chars)
    recall = RecallToolset(StoredConversations(repositories))
    toolbox = Toolbox(
        [ClientSideToolset(), RefreshToolset(refresher), search, reading, recall, undoing, api, external],
        refresher=refresher,
        results=results,
        max_result_chars=settings.max_tool_result_chars,
        timeout=timeout,
        policy=settings.approval_policy,
    )
    return toolbox
