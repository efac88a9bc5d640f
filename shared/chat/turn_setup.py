"""The set-up of a turn: the caller's tools, the conversation's prefix and history, and the current facts."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.agent.history import History
from shared.agent.loop import run_turn
from shared.agent.prefix import first_prefix
from shared.agent.prompt import PromptWriter
from shared.agent.question_facts import question_facts
from shared.agent.turn import Turn, TurnSettings
from shared.claude.capabilities import capabilities_of
from shared.tools.search.resident import RESIDENT
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.agent.ui_links import UrlPatterns
    from shared.chat.prefixes import Prefixes
    from shared.domain.events import TurnEvent
    from shared.domain.models import Caller, Message
    from shared.domain.parked_rounds import Resumption
    from shared.domain.ports import Model
    from shared.domain.requests import Prefix, SearchMode
    from shared.graph.turns import BegunTurn
    from shared.settings import Settings
    from shared.tools.toolbox import Authorize, CallerTools, Toolbox

log = logging.getLogger(__name__)

_LOADING_SECONDS = 8.0
"""The longest wait for the tools; it is longer than the time limit of each source."""


class TurnSetup:
    """Sets up and runs turns, from parts that all turns share."""

    def __init__(
        self,
        settings: Settings,
        model: Model,
        toolbox: Toolbox,
        patterns: UrlPatterns,
        prefixes: Prefixes,
        authorize: Authorize,
    ) -> None:
        """Take the parts; `authorize` raises Unauthenticated if a caller's token is no longer valid."""
        self._settings = settings
        self._model = model
        self._toolbox = toolbox
        self._patterns = patterns
        self.prefixes = prefixes
        self._prompts = PromptWriter(settings.system_prompt, settings.ui_url)
        self._authorize = authorize

    async def run(
        self, caller: Caller, begun: BegunTurn, question: Message | None, resumption: Resumption | None
    ) -> AsyncGenerator[TurnEvent, None]:
        """Set a turn up and run it. Without a question it goes on after a parked round."""
        conversation = begun.conversation
        patterns, prefix, _ = await asyncio.gather(
            self._patterns.text(), self.prefixes.read(conversation.prefix), self._load_tools()
        )
        history = History.of(begun.earlier, question, conversation.edits)
        mode = prefix.mode if prefix else self._search_mode(conversation.model)
        tools = self._toolbox.for_caller(caller, mode, self._authorize, history.result_of)
        prefix = prefix or self._first_prefix(caller, tools, mode, patterns)
        facts = question_facts(caller.principal, clock.now(), patterns, history.state)
        turn = Turn(self._turn_settings(conversation.model), prefix, history, tools, facts)
        async with aclosing(run_turn(self._model, turn, resumption)) as events:
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

    def _first_prefix(self, caller: Caller, tools: CallerTools, mode: SearchMode, patterns: str) -> Prefix:
        definitions = tools.definitions()
        system = self._prompts.write(caller.principal, definitions, patterns)
        return first_prefix(system, definitions, mode, RESIDENT)

    def _turn_settings(self, model: str) -> TurnSettings:
        settings = self._settings
        return TurnSettings(
            model,
            settings.max_tokens,
            settings.max_tool_rounds,
            settings.clear_results_tokens,
            capabilities_of(model),
        )

    def _search_mode(self, model: str) -> SearchMode:
        setting = self._settings.tool_search
        if setting == "off":
            return "off"
        if not capabilities_of(model).tool_references:
            return "indirect"
        return "server" if setting == "server" else "references"

    async def _load_tools(self) -> None:
        """Load the tools. A source that exceeds its time limit does not delay the answer further."""
        try:
            async with asyncio.timeout(_LOADING_SECONDS):
                await self._toolbox.ensure_loaded()
        except TimeoutError:
            log.warning("the tools could not be loaded in %s s", _LOADING_SECONDS)
