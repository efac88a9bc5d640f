"""Random conversations: whatever happens in them, the API accepts each request, and all thinking stays valid."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings

from shared.domain.models import NO_EDITS
from tests.support.conversation_plans import Call, Change, Plan, Question, Round, plans
from tests.support.conversation_simulator import simulate

RANDOM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


LOOKS = Round(1, "", (Call("search", 0), Call("tool", 0)), ())
THINKS = Question((), is_upgraded=False, rounds=(), thoughts=1, fate="complete")


def question(*rounds: Round, changes: tuple[Change, ...] = (), **fields: Any) -> Question:
    return replace(THINKS, rounds=rounds, changes=changes, **fields)


FOUND_AND_LOST = (
    question(replace(LOOKS, changes=(Change("add", 4), Change("remove", 4)))),
    question(changes=(Change("add", 4),)),
    THINKS,
)
"""A tool that came is found and goes before its reference is sent; later it comes again."""
ADDED_AND_CHANGED = (
    question(changes=(Change("add", 4),)),
    question(changes=(Change("add", 5),)),
    question(changes=(Change("redefine", 5),)),
    THINKS,
)
"""A tool that came, perhaps by a system message, gets another definition."""
STOPPED_WHILE_PAUSED = (
    question(LOOKS),
    question(Round(0, "", (), ()), changes=(Change("lose", 0),), fate="stop silently"),
    THINKS,
)
"""The API's pending search is all that was said after a system message, and a question follows."""


def check(plan: Plan) -> None:
    simulation = asyncio.run(simulate(plan))
    assert simulation.stored.edits == NO_EDITS, "nothing had to be left out"


@pytest.mark.proves("append-only.messages", "append-only.prefix")
@settings(RANDOM, max_examples=40)
@given(plans)
def test_no_request_of_a_random_conversation_is_refused(plan: Plan) -> None:
    check(plan)


@pytest.mark.proves("append-only.messages", "append-only.prefix", "append-only.lost-right")
@pytest.mark.parametrize(
    "questions", [FOUND_AND_LOST, STOPPED_WHILE_PAUSED, ADDED_AND_CHANGED], ids=["lost", "paused", "changed"]
)
@pytest.mark.parametrize("search", ["references", "server", "off"])
def test_no_request_of_an_unlucky_conversation_is_refused(
    questions: tuple[Question, ...], search: Literal["references", "server", "off"]
) -> None:
    check(Plan("claude-sonnet-5-5", search, questions))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.proves("append-only.messages", "append-only.prefix")
@settings(RANDOM, max_examples=1000)
@given(plans)
def test_no_request_of_a_thousand_random_conversations_is_refused(plan: Plan) -> None:
    check(plan)
