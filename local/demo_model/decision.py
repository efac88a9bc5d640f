"""What the model replies to a request: an answer, or calls of tools."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from local.demo_model import changes, talk
from local.demo_model.conversation import Call, exchanges
from local.demo_model.desk import Desk
from local.demo_model.filling import fill
from local.demo_model.intents import plan_for
from local.demo_model.offering import by_name, is_called_by_name, offered_tools
from local.demo_model.plan import CallFailed, CallsNeeded, Stuck, advance
from local.demo_model.question import Question
from local.demo_model.seeking import ABOUT_TOOLS, SEARCH, PartialCatalogue, searched_in
from local.demo_model.titles import title_of, wants_title
from local.demo_model.tools import Catalogue, offer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.conversation import Exchange
    from local.demo_model.plan import Plan
    from local.demo_model.wire import CustomTool, MessagesRequest

MOST_CALLS = 30
"""Calls for one question, after which the answer is what has been found."""
REMEMBERED = 8
"""Tool lists whose catalogues are kept."""
_ANNOUNCEMENT = "Let me look that up.\n\n"


@dataclass(frozen=True, slots=True)
class Decision:
    """A text, and the calls that follow it."""

    text: str
    calls: Sequence[Call] = ()


@dataclass(slots=True)
class Decider:
    """Decides; remembers nothing but what it has worked out of lists of tools."""

    _catalogues: OrderedDict[int, Catalogue] = field(default_factory=OrderedDict)

    def decide(self, request: MessagesRequest) -> Decision:
        """Decide how to reply to a request."""
        said = exchanges(request.messages)
        current = said[-1]
        if wants_title(request):
            return Decision(title_of(current.question))
        tools = offered_tools(request)
        catalogue = self._catalogue([tool for tool in tools if tool.name not in ABOUT_TOOLS])
        if any(tool.name == SEARCH for tool in tools):
            catalogue = PartialCatalogue(catalogue.offers, searched=searched_in(said))
        desk = Desk(Question(current.question), current.context, said[:-1], catalogue, request.system_text)
        if request.tool_choice.type in {"any", "tool"} and not current.outcomes:
            return _forced(desk, request)
        decision = _reply(desk, current, request)
        calls = [by_name(call) if is_called_by_name(request, call.name) else call for call in decision.calls]
        return replace(decision, calls=calls)

    def _catalogue(self, tools: Sequence[CustomTool]) -> Catalogue:
        key = hash(tuple((tool.name, tool.description, str(tool.input_schema.required)) for tool in tools))
        if key not in self._catalogues:
            self._catalogues[key] = Catalogue([offer_of(tool) for tool in tools])
        self._catalogues.move_to_end(key)
        if len(self._catalogues) > REMEMBERED:
            self._catalogues.popitem(last=False)
        return self._catalogues[key]


def _reply(desk: Desk, current: Exchange, request: MessagesRequest) -> Decision:
    may_call = request.tool_choice.type != "none" and bool(request.tools) and len(current.outcomes) < MOST_CALLS
    if not request.tools and current.outcomes:
        return Decision(talk.partial(desk, current.outcomes))
    result = _planned(desk, current)
    if may_call and isinstance(desk.catalogue, PartialCatalogue) and (searches := desk.catalogue.searches()):
        result = CallsNeeded(searches)
    if isinstance(result, str):
        return Decision(result)
    if not may_call:
        return Decision(talk.partial(desk, current.outcomes))
    calls = result.calls[:1] if request.tool_choice.disable_parallel_tool_use else result.calls
    return Decision("" if current.outcomes else _ANNOUNCEMENT, calls)


def _planned(desk: Desk, current: Exchange) -> str | CallsNeeded:
    """Follow the plan as far as it goes: to an answer, or to calls."""
    try:
        return advance(_plan(desk), current.known())
    except Stuck as stuck:
        return str(stuck) or talk.unknown(desk)
    except CallFailed as problem:
        return talk.failed(problem.outcome)


def _plan(desk: Desk) -> Plan[str]:
    """The plan for the question; a yes to an offered deletion is about the question before."""
    before = desk.earlier[-1] if desk.earlier else None
    if before and desk.question.agrees and before.answer.startswith(changes.CONFIRM):
        return changes.confirmed(replace(desk, question=Question(before.question), context=before.context))
    return plan_for(desk)


def _forced(desk: Desk, request: MessagesRequest) -> Decision:
    """Call the tool that must be called, with what the question gives for it."""
    named = desk.catalogue.named(request.tool_choice.name or "")
    ranked = desk.catalogue.ranked(desk.question)
    offer = named or (ranked[0][1] if ranked else desk.catalogue.offers[0])
    try:
        result = advance(_as_answer(desk, offer.name), {})
    except Stuck:
        return Decision("", [Call(offer.name, {})])
    only_that = isinstance(result, CallsNeeded) and (named is None or result.calls[0].name == offer.name)
    return Decision("", result.calls[:1] if isinstance(result, CallsNeeded) and only_that else [Call(offer.name, {})])


def _as_answer(desk: Desk, name: str) -> Plan[str]:
    offer = desk.catalogue.named(name)
    if offer is None:
        raise Stuck("")
    yield [(yield from fill(desk, offer))]
    return ""
