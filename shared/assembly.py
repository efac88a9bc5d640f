"""What answers are made of, put together. Importing this module imports the model's and the tools' libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.model import Claude
from shared.agent.prompt import PromptWriter
from shared.assistant import Assistant, Parts
from shared.running import RunningAnswers
from shared.settings import DEVELOPMENT
from shared.tools.addresses import AddressPolicy, Network
from shared.tools.client_side import ClientSideToolset
from shared.tools.credentials import Vault
from shared.tools.external import Connector, ExternalToolset
from shared.tools.kept_results import KeptResults
from shared.tools.links import UrlPatterns
from shared.tools.offering import SearchToolset
from shared.tools.openapi import OpenAPIToolset
from shared.tools.reading import ReadingToolset
from shared.tools.refresh import Refresher, RefreshToolset
from shared.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from shared.graph.mcp_servers import MCPServers
    from shared.runtime import Runtime
    from shared.settings import Settings

_NO_KEY = "none"
"""Where the assistant is forced on without a key, for a server that wants none."""


def assemble(runtime: Runtime) -> Assistant:
    """Build the assistant."""
    settings = runtime.settings
    key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else _NO_KEY
    model = Claude(
        key,
        settings.anthropic_base_url,
        idle_seconds=settings.model_idle_seconds,
        clear_above=settings.clear_results_tokens,
    )
    api = OpenAPIToolset(settings.api_url, timeout=settings.tool_timeout_seconds, store=runtime.api_document)
    parts = Parts(
        settings=settings,
        model=model,
        toolbox=_toolbox(settings, api, runtime.mcp_servers),
        patterns=UrlPatterns(settings.ui_document_url),
        prompts=PromptWriter(settings.system_prompt, settings.ui_url),
        conversations=runtime.conversations,
        leases=runtime.leases,
        running=RunningAnswers(runtime.leases, settings.max_concurrent_streams),
        keep=api.keep,
        check=runtime.authenticator.check,
    )
    return Assistant(parts)


def _toolbox(settings: Settings, api: OpenAPIToolset, servers: MCPServers) -> Toolbox:
    """Join the four sources of tools; where two have a tool of the same name, the earlier one's counts."""
    timeout = settings.tool_timeout_seconds
    key = settings.config_encryption_key
    policy = AddressPolicy(settings.mcp_allowed_hosts, allows_private=settings.environment == DEVELOPMENT)
    external = ExternalToolset(
        servers.enabled,
        Connector(Network(policy), Vault(key.get_secret_value() if key else None)),
        reserved=lambda: api.names,
        patience=settings.mcp_connect_seconds,
    )
    refresher = Refresher([api, external], timeout=timeout)
    search = SearchToolset(lambda caller: toolbox.of(caller).definitions())
    results = KeptResults()
    reading = ReadingToolset(results, settings.max_tool_result_chars)
    toolbox = Toolbox(
        [ClientSideToolset(), RefreshToolset(refresher), search, reading, api, external],
        refresher=refresher,
        results=results,
        max_result_chars=settings.max_tool_result_chars,
        timeout=timeout,
    )
    return toolbox
