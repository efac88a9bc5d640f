"""Plans: generators that yield the tool calls which a question needs, and return the answer.

The Messages API is stateless, so a plan runs from its beginning on every request. Calls that the conversation already
has the results of are answered from there. At the first call without a result, the plan stops and the reply is that
call.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from local.demo_model.conversation import Call, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")

Plan: TypeAlias = Generator[Sequence[Call], list[Outcome], _T]
"""Yields calls to be made in parallel, receives their outcomes, and returns a result."""


class CannotAnswer(Exception):
    """The plan cannot continue; the message tells the user the reason, in Markdown."""


class CallFailed(Exception):
    """A call that the plan requires has failed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class CallsNeeded:
    """The plan needs the results of these calls."""

    calls: Sequence[Call]


def advance(plan: Plan[str], known: Mapping[tuple[str, bytes], Outcome]) -> str | CallsNeeded:
    """Run a plan with the known outcomes until it returns an answer or needs further calls.

    Raises:
        CannotAnswer, CallFailed: the plan ended without an answer.
    """
    try:
        wanted = next(plan)
        while True:
            missing = [call for call in wanted if call.key not in known]
            if missing:
                return CallsNeeded(missing)
            wanted = plan.send([known[call.key] for call in wanted])
    except StopIteration as finished:
        return str(finished.value)


def call_all(calls: Sequence[Call]) -> Plan[list[Outcome]]:
    """Make calls in parallel; a failed call is an outcome, not an exception."""
    return (yield calls)


def call_one(call: Call) -> Plan[Outcome]:
    """Make a call.

    Raises:
        CallFailed: the call failed.
    """
    outcome = (yield [call])[0]
    if outcome.is_error:
        raise CallFailed(outcome)
    return outcome
