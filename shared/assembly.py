"""What answers are made of, put together. Importing this module imports the model's and the tools' libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.model import Claude
from shared.agent.prompt import PromptWriter
from shared.assistant import Assistant, Parts
from shared.running import RunningAnswers
from shared.tools.client_side import ClientSideToolset
from shared.tools.links import UrlPatterns
from shared.tools.openapi import OpenAPIToolset
from shared.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from shared.runtime import Runtime

_NO_KEY = "none"
"""Where the assistant is forced on without a key, for a server that wants none."""


def assemble(runtime: Runtime) -> Assistant:
    """Build the assistant."""
    settings = runtime.settings
    key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else _NO_KEY
    timeout = settings.tool_timeout_seconds
    parts = Parts(
        settings=settings,
        model=Claude(key, settings.anthropic_base_url, idle_seconds=settings.model_idle_seconds),
        toolbox=Toolbox(
            [ClientSideToolset(), OpenAPIToolset(settings.api_url, timeout=timeout)],
            max_result_chars=settings.max_tool_result_chars,
            timeout=timeout,
        ),
        patterns=UrlPatterns(settings.ui_document_url),
        prompts=PromptWriter(settings.system_prompt, settings.ui_url),
        conversations=runtime.conversations,
        leases=runtime.leases,
        running=RunningAnswers(runtime.leases, settings.max_concurrent_streams),
        check=runtime.authenticator.check,
    )
    return Assistant(parts)
