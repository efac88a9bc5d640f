"""Plans: how a question is answered, as generators that ask for tool calls and return the answer.

The Messages API keeps no state, so a plan runs from its beginning on every request. The calls whose outcomes are in the
conversation already are answered from there; at the first one that is not, the request's reply is that call.
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
"""Yields calls to be made side by side, is sent their outcomes, returns a result."""


class Stuck(Exception):
    """A plan cannot go on; the message tells the user why, in Markdown."""


class CallFailed(Exception):
    """A call that a plan cannot do without failed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class CallsNeeded:
    """A plan waits for these calls."""

    calls: Sequence[Call]


def advance(plan: Plan[str], known: Mapping[tuple[str, bytes], Outcome]) -> str | CallsNeeded:
    """Run a plan as far as the known outcomes carry it: to its answer, or to calls that have yet to be made.

    Raises:
        Stuck, CallFailed: the plan ended without an answer.
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


def each(calls: Sequence[Call]) -> Plan[list[Outcome]]:
    """Make calls side by side; a failure among them is an outcome."""
    return (yield calls)


def one(call: Call) -> Plan[Outcome]:
    """Make a call.

    Raises:
        CallFailed: it failed.
    """
    outcome = (yield [call])[0]
    if outcome.is_error:
        raise CallFailed(outcome)
    return outcome
