"""What answers are made of, put together. Importing this module imports the model's and the tools' libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.model import Claude
from shared.agent.prompt import PromptWriter
from shared.assistant import Assistant
from shared.tools.client_side import ClientSideToolset
from shared.tools.links import UrlPatterns
from shared.tools.openapi import OpenAPIToolset
from shared.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from shared.graph.conversations import Conversations
    from shared.settings import Settings

_NO_KEY = "none"
"""Where the assistant is forced on without a key, for a server that wants none."""


def assemble(settings: Settings, conversations: Conversations) -> Assistant:
    """Build the assistant."""
    key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else _NO_KEY
    timeout = settings.tool_timeout_seconds
    return Assistant(
        settings=settings,
        model=Claude(key, settings.anthropic_base_url),
        toolbox=Toolbox(
            [ClientSideToolset(), OpenAPIToolset(settings.api_url, timeout=timeout)],
            max_result_chars=settings.max_tool_result_chars,
            timeout=timeout,
        ),
        patterns=UrlPatterns(settings.ui_document_url),
        prompts=PromptWriter(settings.system_prompt, settings.ui_url),
        conversations=conversations,
    )
