"""Answers for questions that the demo model does not understand, and for calls that failed or may not be made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.demo_model.about import ABOUT, abilities
from local.demo_model.markdown import any_result
from local.demo_model.task import failure_of
from local.demo_model.tool import read_tool
from local.demo_model.tool_results import parse_result
from local.demo_model.wire import CustomTool, InputSchema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.demo_model.conversation import Outcome
    from local.demo_model.task import Task

_REASONS: Mapping[int, str] = {
    400: "it was not accepted",
    401: "you are not signed in, or your sign-in has expired",
    403: "you are not allowed to do that",
    404: "there is no such thing",
    409: "it is in conflict with something that exists already",
    422: "what I sent was not valid",
    429: "there were too many requests",
    500: "the service failed",
    502: "the service cannot be reached",
    503: "the service is not available",
    504: "it took too long",
}
_LONGEST_DETAIL = 400


def unknown(task: Task) -> str:
    """Answer a question that is not understood."""
    return f"I did not understand that. {ABOUT}\n\n{abilities(task)}"


def failed(outcome: Outcome) -> str:
    """Explain in plain words why a call failed."""
    detail = failure_of(outcome)
    status = re.search(r"\b([45]\d\d)\b", outcome.text)
    reason = _REASONS.get(int(status[1]), "it failed") if status else "it failed"
    quoted = " ".join(detail.split())[:_LONGEST_DETAIL]
    return f"I could not do that: {reason}." + (f"\n\n`{outcome.call.name}` answered: *{quoted}*" if quoted else "")


def partial(task: Task, outcomes: Sequence[Outcome]) -> str:
    """Answer with the results so far, because no more calls are allowed."""
    good = [outcome for outcome in outcomes if not outcome.is_error]
    if not good:
        return f"I would have to call tools to answer that, and I cannot call any now.\n\n{ABOUT}"
    parts = ["I may not look further, so this is what I have found so far:"]
    for outcome in good[-2:]:
        tool = read_tool(CustomTool(name=outcome.call.name, input_schema=InputSchema(type="object")))
        parts.append(
            f"**{tool.phrase or tool.name}**\n\n{any_result(parse_result(outcome.text), task.pages, tool.phrase)}"
        )
    return "\n\n".join(parts)
