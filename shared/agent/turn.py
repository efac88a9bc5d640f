"""The state of one turn. It makes each round's request from the conversation's prefix and its growing history."""

from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.agent.context_window import clear_old_results, shorten
from shared.agent.history import message_to_store, results_to_store, round_to_store
from shared.agent.prefix import announcement, grown, growth_of, tool_changes
from shared.agent.repairs import repair
from shared.domain.content_blocks import objects_in
from shared.domain.errors import BUSY, CONTEXT_OVERFLOW, ModelError
from shared.domain.events import NO_REPLY, BlockFinished, ReplyFinished, TextAdded, TurnPrepared, UsageCounted
from shared.domain.models import NO_ADDITIONS, Additions
from shared.domain.requests import ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.agent.history import History
    from shared.domain.events import Reply, Tell, ToolResult
    from shared.domain.models import HistoryEdits, JsonObject, Message
    from shared.domain.ports import Model, Tools
    from shared.domain.requests import Capabilities, Prefix

log = logging.getLogger(__name__)

_LEFT_OUT = "*This conversation is very long. The AI model no longer receives its oldest parts in full.*\n\n"
_NO_MORE_TOOLS = (
    "No more tools can be called for this question."
    " Answer now with the information that you have, and say what is missing."
)
_MOST_ATTEMPTS = 8
"""More attempts than there are repairs and ways of shortening together."""


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """The settings of a turn; `clear_above` is the number of tokens above which old results are left out."""

    model: str
    max_tokens: int
    max_rounds: int
    clear_above: int
    capabilities: Capabilities
    fallback: tuple[str, Capabilities] | None = None
    """The model that answers if the other one is too busy to begin, and its capabilities."""


class Turn:
    """The state of a running turn."""

    def __init__(
        self,
        settings: TurnSettings,
        prefix: Prefix,
        history: History,
        tools: Tools,
        facts: Additions = NO_ADDITIONS,
        opening: str = "",
    ) -> None:
        """Take the parts.

        `facts` are added to the question, together with the changes of the tools. `opening` is a text of the service
        for the user, with which the answer begins; the model does not get it.
        """
        self.settings = settings
        self.opening = opening
        self.tools = tools
        self._prefix = prefix
        self._history = history
        self._state: JsonObject = {**history.state, **(facts.state or {})}
        self.results: tuple[ToolResult, ...] = ()
        """The results of the last tool calls."""
        self._must_tell = False
        self._has_replied = False
        self._next_facts = facts
        last, question = history.messages[-1]
        if question.role == "user":
            self._question = self._added(self._take_facts())
            history.replace_last(replace(question, additions=self._question))
        else:
            # The turn goes on after a parked round. The facts come with the results of its calls.
            self._question = history.question_before(last).additions or NO_ADDITIONS

    def prepared(self) -> TurnPrepared:
        """Return the data to store with the next messages."""
        return TurnPrepared(self._prefix, self._question, self._history.edits, self.settings.model)

    async def reply(self, model: Model, tell: Tell, *, may_call_tools: bool) -> Reply:
        """Get a reply. A history that the model's API refuses is repaired or shortened, and sent again.

        If the model is too busy for the first reply of an answer, the fallback model writes the whole answer.

        Raises:
            ModelError: the model gave no reply, or the reply is incomplete.
        """
        self._make_room()
        for attempt in range(_MOST_ATTEMPTS):
            if attempt or self._must_tell:
                await tell(self.prepared())
            has_begun, reply = False, NO_REPLY
            try:
                async with aclosing(model.reply(self._request(may_call_tools=may_call_tools))) as events:
                    async for event in events:
                        if not has_begun and not isinstance(event, UsageCounted):
                            has_begun = True
                            await self._notice(tell)
                        if isinstance(event, ReplyFinished):
                            reply = event.reply
                        else:
                            await tell(event)
            except ModelError as error:
                if not has_begun and self._falls_back(error):
                    continue
                edits = None if has_begun else self._edits_for(error)
                if edits is None:
                    raise
                self._history.edit(edits)
            else:
                self._has_replied = True
                return reply
        raise AssertionError("there are fewer repairs and ways of shortening than attempts")

    def _falls_back(self, error: ModelError) -> bool:
        """Go on with the fallback model if the other one is too busy to begin and the history suits the fallback."""
        fallback = self._fallback()
        if error.code not in BUSY or fallback is None:
            return False
        model, capabilities = fallback
        log.warning("%s is too busy (%s), so %s answers", self.settings.model, error.code, model)
        self.settings = replace(self.settings, model=model, capabilities=capabilities, fallback=None)
        return True

    def _fallback(self) -> tuple[str, Capabilities] | None:
        """Return the fallback model if the answer has not begun and the history suits that model."""
        if self._has_replied or self.settings.fallback is None or not self._suits(self.settings.fallback[1]):
            return None
        return self.settings.fallback

    def _suits(self, capabilities: Capabilities) -> bool:
        """Return whether a model of these capabilities can read what the conversation has sent so far."""
        has_references = self._prefix.mode in {"references", "server"} or any(
            tool.is_deferred for tool in self._prefix.tools
        )
        has_system = any(message.additions and message.additions.system for _, message in self._history.messages)
        return (capabilities.tool_references or not has_references) and (capabilities.system_messages or not has_system)

    def add_results(self, results: Sequence[ToolResult], *, is_last: bool) -> Message:
        """Add the results of a parked round's calls to the history and return them as the message to store."""
        self.results = tuple(results)
        facts = self._take_facts()
        found = [name for result in results for name in _references(result.block())]
        context = (*facts.context, *([_NO_MORE_TOOLS] if is_last else []))
        additions = self._added(replace(facts, context=context), found)
        message = results_to_store(results, additions if additions != NO_ADDITIONS else None)
        self._history.append([message])
        return message

    def _take_facts(self) -> Additions:
        """Return the facts that the model does not have yet."""
        facts, self._next_facts = self._next_facts, NO_ADDITIONS
        return facts

    def add_round(self, reply: Reply, results: Sequence[ToolResult], *, is_last: bool) -> tuple[Message, ...]:
        """Add a reply and its results to the history and return them as the messages to store."""
        self.results = tuple(results)
        found = [name for result in results for name in _references(result.block())]
        additions = self._added(Additions((_NO_MORE_TOOLS,) if is_last and results else ()), found)
        messages = round_to_store(reply, results, additions if results and additions != NO_ADDITIONS else None)
        self._history.append(messages)
        answer, *others = messages
        return self._opened(answer, reply), *others

    def last_message(self, reply: Reply) -> Message:
        """Return the last reply, whose calls do not run now, as the message to store."""
        return self._opened(message_to_store(reply, reply.usage), reply)

    def _opened(self, message: Message, reply: Reply) -> Message:
        """Return the first message of the answer with the opening before its text, and other messages unchanged."""
        opening, self.opening = self.opening, ""
        if not opening:
            return message
        return replace(message, content=opening + message.content, blocks=message.blocks or reply.blocks)

    def _request(self, *, may_call_tools: bool) -> ModelRequest:
        settings = self.settings
        sent = self._history.to_send(self._prefix.tool_names)
        return ModelRequest(
            settings.model,
            settings.max_tokens,
            self._prefix,
            sent.messages(),
            [*sent.encoded],
            sent.call_ids(),
            may_call_tools=may_call_tools,
            has_fallback=self._fallback() is not None,
            is_repeated=True,
        )

    def _added(self, additions: Additions, found: Iterable[str] = ()) -> Additions:
        """Add new tools to the prefix, and return a message's additions together with the changes of the tools."""
        definitions = self.tools.definitions()
        used = used_tools(self._history)
        growth = growth_of(self._prefix.mode, self.settings.capabilities)
        changes = tool_changes(self._prefix, definitions, used, self._state, growth)
        referenced = {*referenced_tools(self._history), *found}
        self._prefix = grown(self._prefix, definitions, used, referenced, growth)
        if not changes:
            return replace(additions, state=self._state) if additions.state is not None else additions
        notice = announcement(
            changes,
            has_tool_changes=self.settings.capabilities.tool_changes,
            state=self._state,
            has_search=self._prefix.mode != "off",
        )
        self._state = notice.state or self._state
        return Additions((*additions.context, *notice.context), (*additions.system, *notice.system), self._state)

    def _make_room(self) -> None:
        if self.settings.capabilities.context_editing:
            return
        edits = clear_old_results(
            self._history,
            self.settings.clear_above,
            self._prefix.tool_names,
            checks_thinking=self.settings.capabilities.checks_thinking,
        )
        if edits is not None:
            self._history.edit(edits)
            self._must_tell = True

    def _edits_for(self, error: ModelError) -> HistoryEdits | None:
        if error.code == CONTEXT_OVERFLOW:
            self._must_tell = True
            return shorten(self._history, checks_thinking=self.settings.capabilities.checks_thinking)
        if error.refused is None:
            return None
        edits = repair(self._history, error.refused)
        if edits is not None:
            log.warning("the model's API refused a part of the history (%s); it is no longer sent", error.refused)
        return edits

    async def _notice(self, tell: Tell) -> None:
        """Tell the user, once, that parts of the conversation are left out."""
        if self._must_tell:
            self._must_tell = False
            await tell(TextAdded(_LEFT_OUT))
            await tell(BlockFinished())


def used_tools(history: History) -> frozenset[str]:
    """Return the names of the tools that the history calls or references."""
    calls = (call for _, message in history.messages for call in message.tool_use or ())
    return referenced_tools(history) | {str(call.get("name")) for call in calls}


def referenced_tools(history: History) -> frozenset[str]:
    """Return the names of the tools that the history references."""
    names: set[str] = set()
    for _, message in history.messages:
        for block in [*(message.blocks or ()), *(message.tool_results or ())]:
            names |= set(_references(block))
        for block in message.additions.system if message.additions else ():
            tool = block.get("tool")
            if isinstance(tool, dict):
                names.add(str(tool.get("name")))
    return frozenset(names)


def _references(block: JsonObject) -> list[str]:
    content = block.get("content")
    listed = content.get("tool_references") if isinstance(content, dict) else content
    return [str(each["tool_name"]) for each in objects_in(listed) if "tool_name" in each]
