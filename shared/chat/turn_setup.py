"""The set-up of a turn: the caller's tools, the system prompt, the history, the model."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.agent.context_window import ContextWindowModel
from shared.agent.history import messages_to_send
from shared.agent.loop import run_turn
from shared.agent.prompt import PromptWriter
from shared.claude.capabilities import capabilities_of
from shared.domain.ports import ModelRequest
from shared.tools.search.references import ToolReferenceModel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from shared.agent.ui_links import UrlPatterns
    from shared.domain.events import TurnEvent
    from shared.domain.models import Caller, Conversation, Message
    from shared.domain.ports import Model
    from shared.settings import Settings
    from shared.tools.search.selection import Mode
    from shared.tools.toolbox import Authorize, Toolbox

log = logging.getLogger(__name__)

_LOADING_SECONDS = 8.0
"""The longest wait for the tools; every source that keeps its own bound needs less."""


class TurnSetup:
    """The parts that turns are made of, shared by all of them."""

    def __init__(
        self,
        settings: Settings,
        model: Model,
        toolbox: Toolbox,
        patterns: UrlPatterns,
        authorize: Authorize,
    ) -> None:
        """Take the parts; `authorize` raises Unauthenticated when a caller's token has ended meanwhile."""
        self._settings = settings
        self._model = model
        self._toolbox = toolbox
        self._patterns = patterns
        self._prompts = PromptWriter(settings.system_prompt, settings.ui_url)
        self._authorize = authorize

    async def run(
        self, caller: Caller, conversation: Conversation, messages: Sequence[Message]
    ) -> AsyncGenerator[TurnEvent, None]:
        """Set a turn up and run it."""
        patterns, _ = await asyncio.gather(self._patterns.text(), self._load_tools())
        mode = self._search_mode(conversation.model)
        tools = self._toolbox.for_caller(caller, mode, self._authorize)
        definitions = tools.definitions()
        searchable = {each.name for each in definitions} if mode == "server" else set()
        request = ModelRequest(
            conversation.model,
            self._settings.max_tokens,
            self._prompts.write(caller.principal, definitions, patterns),
            messages_to_send(messages, searchable),
        )
        async with aclosing(run_turn(self._model_for(mode), tools, request, self._settings.max_tool_rounds)) as events:
            async for event in events:
                yield event

    async def warm_up(self) -> None:
        """Fetch the tools and the UI's URL patterns, which all turns share."""
        await asyncio.gather(self._patterns.text(), self._toolbox.ensure_loaded())

    async def aclose(self) -> None:
        """Close the connections of the model, the tools and the URL patterns."""
        await self._model.aclose()
        await self._toolbox.aclose()
        await self._patterns.aclose()

    def _model_for(self, mode: Mode) -> Model:
        model = ToolReferenceModel(self._model) if mode == "references" else self._model
        return ContextWindowModel(model, self._settings.clear_results_tokens)

    def _search_mode(self, model: str) -> Mode:
        can_search = capabilities_of(self._settings.anthropic_base_url, model).tool_search
        match self._settings.tool_search:
            case "auto":
                return "server" if can_search else "client"
            case "client":
                return "references" if can_search else "client"
            case chosen:
                return chosen

    async def _load_tools(self) -> None:
        """Load the tools. A source that exceeds its own bound does not hold the answer up."""
        try:
            async with asyncio.timeout(_LOADING_SECONDS):
                await self._toolbox.ensure_loaded()
        except TimeoutError:
            log.warning("the tools could not be loaded in %s s", _LOADING_SECONDS)
