"""The set-up of a turn: the caller's tools, the conversation's prefix and history, and the current facts."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from shared.agent.cut_calls import changes_among, for_model, for_user
from shared.agent.forks import replacement_note, untold, without_lost_tools
from shared.agent.history import History
from shared.agent.loop import run_turn
from shared.agent.parked_turn import skip_replaced
from shared.agent.prefix import first_prefix
from shared.agent.prompt import PromptWriter
from shared.agent.question_facts import question_facts
from shared.agent.sent_conversations import SentConversations
from shared.agent.turn import Turn, TurnSettings, used_tools
from shared.chat.present_state import present_states
from shared.claude.capabilities import capabilities_of
from shared.domain.events import BlockFinished, RoundFinished, TextAdded
from shared.tools.builtin import UNDO_CHANGE
from shared.tools.search.resident import RESIDENT
from shared.util import clock

if TYPE_CHECKING:
    from shared.agent.ui_links import UrlPatterns
    from shared.chat.call_journal import CallJournal
    from shared.chat.prefixes import Prefixes
    from shared.chat.present_state import ReadState
    from shared.domain.events import Tell, ToolCall, TurnEvent
    from shared.domain.models import Additions, Caller, Message
    from shared.domain.parked_rounds import ParkedRound, WayOn
    from shared.domain.ports import Model
    from shared.domain.requests import Prefix, SearchMode
    from shared.graph.begun_turns import BegunTurn
    from shared.settings import Settings
    from shared.tools.toolbox import CallerTools, Toolbox

log = logging.getLogger(__name__)

_LOADING_SECONDS = 8.0
"""The longest wait for the tools; it is longer than the time limit of each source."""


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a turn: a question, the parked round that it answers first, or both."""

    question: Message | None
    way_on: WayOn | None = None
    replaced: ParkedRound | None = None
    """The parked round that the question has replaced together with its reply."""


class TurnSetup:
    """Sets up and runs turns, from parts that all turns share."""

    def __init__(
        self,
        settings: Settings,
        model: Model,
        toolbox: Toolbox,
        patterns: UrlPatterns,
        prefixes: Prefixes,
        read_state: ReadState,
    ) -> None:
        """Take the parts; `read_state` gets a path of the Imbi API."""
        self._settings = settings
        self._model = model
        self._toolbox = toolbox
        self._patterns = patterns
        self.prefixes = prefixes
        self._read_state = read_state
        self._sent = SentConversations()
        self._prompts = PromptWriter(settings.system_prompt, settings.ui_url)

    async def run(self, caller: Caller, begun: BegunTurn, start: Start, journal: CallJournal, tell: Tell) -> None:
        """Set a turn up and run it; all its tool calls pass the journal."""
        conversation = begun.conversation
        caller = replace(caller, conversation_id=conversation.id, asks_before_changes=conversation.asks_before_changes)
        patterns, prefix, _ = await asyncio.gather(
            self._patterns.text(), self.prefixes.read(conversation.prefix), self._load_tools()
        )
        sent_before = partial(self._sent.begin, conversation.id)
        history = History.of(begun.earlier, start.question, conversation.edits, sent_before)
        mode = prefix.mode if prefix else self._search_mode(conversation.model)
        tools = self._toolbox.for_caller(
            caller, mode, journal, history.result_of, sees_undo=_sees_undo(prefix, history)
        )
        prefix = without_lost_tools(prefix or self._first_prefix(caller, tools, mode, patterns), begun.earlier)
        facts = question_facts(caller.principal, clock.now(), patterns, history.state)
        facts, opening = await self._with_notices(facts, begun, tools, caller)
        journal.has_told_cut_calls = bool(begun.cut_calls) and start.way_on is None
        if start.replaced is not None:
            skip_replaced(tools, start.replaced)
        turn = Turn(self._turn_settings(conversation.model), prefix, history, tools, facts, opening)
        if opening:
            await tell(TextAdded(opening))
            await tell(BlockFinished())
        # If a parked round comes first, its results say which of its calls had begun.
        noting = partial(_tell_cut_calls, journal, tell) if begun.cut_calls else tell
        await run_turn(self._model, turn, noting, start.way_on)

    async def _with_notices(
        self, facts: Additions, begun: BegunTurn, tools: CallerTools, caller: Caller
    ) -> tuple[Additions, str]:
        """Add what replaced and cut answers have changed to a question's facts; also return the text for the user."""
        note = replacement_note(untold(begun.earlier), partial(_may_change, tools))
        if note:
            facts = replace(facts, context=(*facts.context, note))
        records = changes_among(begun.cut_calls)
        if not records:
            return facts, ""
        states = await present_states(self._read_state, records, caller)
        return replace(facts, context=(*facts.context, for_model(records, states))), for_user(records)

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
        fallback = settings.fallback_model
        return TurnSettings(
            model,
            settings.max_tokens,
            settings.max_tool_rounds,
            settings.clear_results_tokens,
            capabilities_of(model),
            None if fallback is None or fallback == model else (fallback, capabilities_of(fallback)),
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


async def _tell_cut_calls(journal: CallJournal, tell: Tell, event: TurnEvent) -> None:
    """Tell an event; the messages of a finished round tell the model of the calls that had begun."""
    if isinstance(event, RoundFinished):
        journal.has_told_cut_calls = True
    await tell(event)


def _may_change(tools: CallerTools, call: ToolCall) -> bool:
    facts = tools.facts_of(call)
    return facts is None or facts.changes_something


def _sees_undo(prefix: Prefix | None, history: History) -> bool:
    """Return whether the model sees the tool for undoing without a reference to it."""
    shown = () if prefix is None else (tool.name for tool in prefix.tools if not tool.is_deferred)
    return UNDO_CHANGE in shown or UNDO_CHANGE in used_tools(history)
