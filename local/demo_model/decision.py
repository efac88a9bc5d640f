"""Decides the reply to a request: an answer, or tool calls."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from local.demo_model import changes, fallbacks
from local.demo_model.catalogue import Catalogue
from local.demo_model.conversation import Call, turns_of
from local.demo_model.intents import plan_for
from local.demo_model.offering import by_name, is_called_by_name, offered_tools
from local.demo_model.plan import CallFailed, CallsNeeded, CannotAnswer, advance
from local.demo_model.question import Question
from local.demo_model.task import Task
from local.demo_model.titles import title_of, wants_title
from local.demo_model.tool import read_tool
from local.demo_model.tool_input import build_call
from local.demo_model.tool_search import ABOUT_TOOLS, SEARCH, PartialCatalogue, searched_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.conversation import Turn
    from local.demo_model.plan import Plan
    from local.demo_model.wire import CustomTool, MessagesRequest

MOST_CALLS = 30
"""The highest number of calls for one question; then the results so far are the answer."""
REMEMBERED = 8
"""The number of tool lists whose catalogues are cached."""
_ANNOUNCEMENT = "Let me look that up.\n\n"


@dataclass(frozen=True, slots=True)
class Decision:
    """A text and the calls that follow it."""

    text: str
    calls: Sequence[Call] = ()


@dataclass(slots=True)
class Decider:
    """Decides replies. Its only state is a cache of catalogues."""

    _catalogues: OrderedDict[int, Catalogue] = field(default_factory=OrderedDict)

    def decide(self, request: MessagesRequest) -> Decision:
        """Decide how to reply to a request."""
        said = turns_of(request.messages)
        current = said[-1]
        if wants_title(request):
            return Decision(title_of(current.question))
        tools = offered_tools(request)
        catalogue = self._catalogue([tool for tool in tools if tool.name not in ABOUT_TOOLS])
        if any(tool.name == SEARCH for tool in tools):
            catalogue = PartialCatalogue(catalogue.tools, searched=searched_in(said))
        task = Task(Question(current.question), current.context, said[:-1], catalogue, request.system_text)
        if request.tool_choice.type in {"any", "tool"} and not current.outcomes:
            return _forced(task, request)
        decision = _reply(task, current, request)
        calls = [by_name(call) if is_called_by_name(request, call.name) else call for call in decision.calls]
        return replace(decision, calls=calls)

    def _catalogue(self, tools: Sequence[CustomTool]) -> Catalogue:
        key = hash(tuple((tool.name, tool.description, str(tool.input_schema.required)) for tool in tools))
        if key not in self._catalogues:
            self._catalogues[key] = Catalogue([read_tool(tool) for tool in tools])
        self._catalogues.move_to_end(key)
        if len(self._catalogues) > REMEMBERED:
            self._catalogues.popitem(last=False)
        return self._catalogues[key]


def _reply(task: Task, current: Turn, request: MessagesRequest) -> Decision:
    may_call = request.tool_choice.type != "none" and bool(request.tools) and len(current.outcomes) < MOST_CALLS
    if not request.tools and current.outcomes:
        return Decision(fallbacks.partial(task, current.outcomes))
    result = _planned(task, current)
    if may_call and isinstance(task.catalogue, PartialCatalogue) and (searches := task.catalogue.searches()):
        result = CallsNeeded(searches)
    if isinstance(result, str):
        return Decision(result)
    if not may_call:
        return Decision(fallbacks.partial(task, current.outcomes))
    calls = result.calls[:1] if request.tool_choice.disable_parallel_tool_use else result.calls
    return Decision("" if current.outcomes else _ANNOUNCEMENT, calls)


def _planned(task: Task, current: Turn) -> str | CallsNeeded:
    """Run the plan until it has an answer or needs calls."""
    try:
        return advance(_plan(task), current.known())
    except CannotAnswer as stuck:
        return str(stuck) or fallbacks.unknown(task)
    except CallFailed as problem:
        return fallbacks.failed(problem.outcome)


def _plan(task: Task) -> Plan[str]:
    """Return the plan for the question; "yes" after a deletion was offered confirms the question before it."""
    before = task.earlier[-1] if task.earlier else None
    if before and task.question.agrees and before.answer.startswith(changes.CONFIRM):
        return changes.confirmed(replace(task, question=Question(before.question), context=before.context))
    return plan_for(task)


def _forced(task: Task, request: MessagesRequest) -> Decision:
    """Call the tool that the request forces, with input from the question."""
    named = task.catalogue.named(request.tool_choice.name or "")
    ranked = task.catalogue.ranked(task.question)
    tool = named or (ranked[0][1] if ranked else task.catalogue.tools[0])
    try:
        result = advance(_as_answer(task, tool.name), {})
    except CannotAnswer:
        return Decision("", [Call(tool.name, {})])
    only_that = isinstance(result, CallsNeeded) and (named is None or result.calls[0].name == tool.name)
    return Decision("", result.calls[:1] if isinstance(result, CallsNeeded) and only_that else [Call(tool.name, {})])


def _as_answer(task: Task, name: str) -> Plan[str]:
    tool = task.catalogue.named(name)
    if tool is None:
        raise CannotAnswer("")
    yield [(yield from build_call(task, tool))]
    return ""
