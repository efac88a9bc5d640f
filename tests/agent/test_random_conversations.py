"""Random conversations: whatever happens in them, the API accepts each request, and all thinking stays valid."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from shared.domain.models import NO_EDITS
from tests.support.conversation_plans import Plan, plans
from tests.support.conversation_simulator import simulate

RANDOM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(plan: Plan) -> None:
    simulation = asyncio.run(simulate(plan))
    assert simulation.stored.edits == NO_EDITS, "nothing had to be left out"


@pytest.mark.proves("append-only.messages", "append-only.prefix")
@settings(RANDOM, max_examples=100)
@given(plans)
def test_no_request_of_a_random_conversation_is_refused(plan: Plan) -> None:
    check(plan)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.proves("append-only.messages", "append-only.prefix")
@settings(RANDOM, max_examples=1000)
@given(plans)
def test_no_request_of_a_thousand_random_conversations_is_refused(plan: Plan) -> None:
    check(plan)
