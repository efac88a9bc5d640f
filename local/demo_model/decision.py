"""Decides the reply to a request: an answer, or tool calls."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.demo_model.about import not_understood
from local.demo_model.conversation import Call, turns_of
from local.demo_model.grammar import normalized
from local.demo_model.intents import understood
from local.demo_model.markdown import any_result
from local.demo_model.offering import by_name, is_called_by_name, offered_tools
from local.demo_model.plan import CallFailed, CallsNeeded, CannotAnswer, advance
from local.demo_model.task import Task
from local.demo_model.titles import title_of, wants_title
from local.demo_model.tool_results import parse_result, text_of
from local.demo_model.tools import ToolMissing, Tools, searched_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.demo_model.conversation import Outcome, Turn
    from local.demo_model.intents import PlanOf
    from local.demo_model.ui_pages import Pages
    from local.demo_model.wire import MessagesRequest

_ANNOUNCEMENT = "Let me look that up.\n\n"
_NOT_RUN = re.compile(r"\AThe user rejected this call|\AThis call was not run")
_REASONS: Mapping[int, str] = {
    400: "it was not accepted",
    401: "you are not signed in, or your sign-in has expired",
    403: "you are not allowed to do that",
    404: "there is no such thing",
    409: "it is in conflict with something that exists already",
    422: "what I sent was not valid",
    429: "there were too many requests",
}
_LONGEST_DETAIL = 400


@dataclass(frozen=True, slots=True)
class Decision:
    """A text and the calls that follow it; and the thought before them, for models that show one."""

    text: str
    calls: Sequence[Call] = ()
    thought: str = ""


def decide(request: MessagesRequest) -> Decision:
    """Decide how to reply to a request."""
    turns = turns_of(request.messages)
    current = turns[-1]
    if wants_title(request):
        return Decision(title_of(current.question))
    tools = Tools({tool.name: tool for tool in offered_tools(request)}, searched_in(turns))
    question = normalized(current.question)
    found = understood(question)
    if request.tool_choice.type in {"any", "tool"} and not current.outcomes:
        return _forced(request, tools)
    if found is None:
        return Decision(not_understood())
    plan, slots = found
    task = Task(question, slots, current.context, turns[:-1], tools, request.system_text)
    result = _advanced(plan, task, current)
    if isinstance(result, str):
        return Decision(result)
    if request.tool_choice.type == "none" or not request.tools:
        return Decision(_partial(current.outcomes, task.pages))
    calls = result.calls[:1] if request.tool_choice.disable_parallel_tool_use else result.calls
    calls = [by_name(call) if is_called_by_name(request, call.name) else call for call in calls]
    thought = f"The user asks: {question}. I need {', '.join(call.name for call in result.calls)} for that."
    return replace(Decision("" if current.outcomes else _ANNOUNCEMENT, calls), thought=thought)


def _advanced(plan: PlanOf, task: Task, current: Turn) -> str | CallsNeeded:
    """Run the plan until it has an answer or needs calls."""
    try:
        return advance(plan(task), current.known())
    except ToolMissing as missing:
        search = task.tools.search(str(missing))
        if search is not None:
            return CallsNeeded([search])
        return f"No tool to {missing} is offered to me; you may lack the permission."
    except CannotAnswer as stuck:
        return str(stuck)
    except CallFailed as problem:
        return _failed(problem.outcome)


def _forced(request: MessagesRequest, tools: Tools) -> Decision:
    """Call the tool that the request forces, or the first one."""
    name = request.tool_choice.name or next(iter(tools.offered))
    return Decision("", [Call(name, {})])


def _failed(outcome: Outcome) -> str:
    """Explain in plain words why a call failed."""
    if _NOT_RUN.match(outcome.text):
        return "I did not do it, because you did not approve it. Nothing was changed."
    detail = text_of(parse_result(outcome.text).record.get("detail"))
    quoted = re.search(r"(['\"])detail\1\s*:\s*(['\"])(.+?)\2\s*[,}]", outcome.text)
    told = " ".join((detail or (quoted[3] if quoted else outcome.text)).split())[:_LONGEST_DETAIL]
    status = re.search(r"\b([45]\d\d)\b", outcome.text)
    reason = _REASONS.get(int(status[1]), "it failed") if status else "it failed"
    return f"I could not do that: {reason}." + (f"\n\n`{outcome.call.name}` answered: *{told}*" if told else "")


def _partial(outcomes: Sequence[Outcome], pages: Pages) -> str:
    """Answer with the last result so far, because no more calls are allowed."""
    good = [outcome for outcome in outcomes if not outcome.is_error]
    if not good:
        return "I would have to call tools to answer that, and I cannot call any now."
    found = any_result(parse_result(good[-1].text), pages, "")
    return f"I may not look further, so this is what I have found so far (`{good[-1].call.name}`):\n\n{found}"
