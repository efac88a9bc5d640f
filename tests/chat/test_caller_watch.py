"""The watch over callers, with any answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from shared.agent.outcome import Interruption
from shared.chat.caller_watch import CallerWatch
from shared.domain.errors import Forbidden, GraphUnavailable, Unauthenticated
from shared.domain.models import Caller, Principal
from shared.graph.connector import Graph
from shared.graph.principals import Principals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.auth.caller import Directory

CALLER = Caller(Principal("nobody@example.com", "Nobody"), "a token")
SECONDS = 30


@dataclass
class Running:
    """An answer that runs until it is interrupted."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reasons: list[Interruption] = field(default_factory=list)

    def interrupt(self, reason: Interruption) -> None:
        """Note the reason, and end."""
        self.reasons.append(reason)
        self.ended.set()


@dataclass
class Verdicts:
    """What the checks say, one after the other, and then that all is well."""

    verdicts: Sequence[Exception | None]
    asked: int = 0
    satisfied: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, caller: Caller, directory: Directory) -> Caller:  # noqa: ARG002  # as the port has it
        """Give the next verdict."""
        self.asked += 1
        if self.asked > len(self.verdicts):
            self.satisfied.set()
            return caller
        verdict = self.verdicts[self.asked - 1]
        if verdict is not None:
            raise verdict
        return caller


def watch_with(verdicts: Verdicts) -> CallerWatch:
    nothing = Principals(Graph("postgresql://127.0.0.1:1/none", "none", min_size=0))
    return CallerWatch(verdicts, nothing, check_seconds=0.001)


@pytest.mark.proves("credentials.watched")
@pytest.mark.parametrize(
    "verdicts",
    [
        (Unauthenticated(),),
        (None, None, Forbidden()),
        (GraphUnavailable(), None, GraphUnavailable(), Unauthenticated()),
    ],
    ids=["at once", "later", "after outages"],
)
async def test_an_answer_ends_when_its_caller_has_lost_the_right_to_it(verdicts: Sequence[Exception | None]) -> None:
    answer, asked = Running(), Verdicts(verdicts)
    watch_with(asked).watch(answer, CALLER)
    async with asyncio.timeout(SECONDS):
        await answer.ended.wait()
    assert answer.reasons == [Interruption.SIGNED_OUT]
    assert asked.asked == len(verdicts)


@pytest.mark.proves("credentials.watched")
async def test_an_answer_goes_on_while_its_caller_may_have_it() -> None:
    answer, asked = Running(), Verdicts((None, GraphUnavailable(), None))
    watch_with(asked).watch(answer, CALLER)
    async with asyncio.timeout(SECONDS):
        await asked.satisfied.wait()
    answer.ended.set()
    assert answer.reasons == []
