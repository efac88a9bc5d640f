"""Decides the reply to a request: an answer, or tool calls."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from local.demo_model.about import ABILITIES, NOT_UNDERSTOOD
from local.demo_model.conversation import Turn, turns_of
from local.demo_model.grammar import normalized, parts_of
from local.demo_model.markdown import any_result
from local.demo_model.plans import PLANS
from local.demo_model.questions import understood
from local.demo_model.task import CallFailed, CallsNeeded, CannotAnswer, Task, gathered
from local.demo_model.titles import title_of, wants_title
from local.demo_model.tool_results import parse_result, text_of
from local.demo_model.tools import ToolMissing, Tools
from local.demo_model.ui_pages import Pages
from local.messages_api.reply import Call, Decision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.demo_model.answers import Plan
    from local.demo_model.conversation import Outcome
    from local.messages_api.parsed_request import MessagesRequest

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
_MOST_PARTS = 3
"""The number of questions that one message may ask."""


def decide(request: MessagesRequest) -> Decision:
    """Decide how to reply to a request."""
    turns = turns_of(request.messages)
    current, choice = turns[-1], request.tool_choice
    if wants_title(request):
        return Decision(title_of(current.question))
    tools, pages = Tools(request, turns), Pages(request.system_text)
    if choice.type in {"any", "tool"} and not current.outcomes:
        return Decision("", [Call(choice.name or next(iter(tools.offered)), {})])
    tasks = _tasks(turns, tools, pages)
    if not tasks:
        return Decision(f"{NOT_UNDERSTOOD} {ABILITIES}")
    try:
        return Decision("\n\n".join(gathered(partial(_answer, *task) for task in tasks)))
    except CallsNeeded as needed:
        if choice.type == "none" or not request.tools:
            return Decision(_partial(current.outcomes, pages))
        calls = needed.calls[:1] if choice.disable_parallel_tool_use else needed.calls
        thought = f"The user asks: {current.question}. I need {', '.join(call.name for call in calls)} for that."
        text = "" if current.outcomes else _ANNOUNCEMENT
        return Decision(text, [tools.callable(call) for call in calls], thought)


def _tasks(turns: Sequence[Turn], tools: Tools, pages: Pages) -> list[tuple[Plan, Task]]:
    """Return the plan and the task of each question in the last turn; none if one of them is not understood."""
    *earlier, current = turns
    asked = [normalized(turn.question) for turn in earlier]
    whole = normalized(current.question)
    parts = [whole] if understood(whole, asked) else parts_of(current.question)
    found: list[tuple[Plan, Task]] = []
    for part in parts[: _MOST_PARTS + 1]:
        meant = understood(part, asked)
        if meant is None or len(found) == _MOST_PARTS:
            return []
        found.append((PLANS[meant.question.plan], Task(part, meant.slots, [*earlier, current], tools, pages)))
        asked.append(part)
        earlier = [*earlier, Turn(part)]
    return found


def _answer(plan: Plan, task: Task) -> str:
    """Run a plan until it has an answer.

    Raises:
        CallsNeeded: it needs the results of calls, or a search for a tool.
    """
    try:
        return plan(task)
    except ToolMissing as missing:
        search = task.tools.search(str(missing))
        if search is not None:
            raise CallsNeeded([search]) from missing
        return f"No tool to {missing} is offered to me; you may lack the permission."
    except CannotAnswer as stuck:
        return str(stuck)
    except CallFailed as problem:
        return _failed(problem.outcome)


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
    found = any_result(parse_result(good[-1].text), pages)
    return f"I may not look further, so this is what I have found so far (`{good[-1].call.name}`):\n\n{found}"
