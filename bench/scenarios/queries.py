"""How many statements and round trips to the database a request takes, counted on the wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.client import exchange
from bench.figures import Figure, Goal
from bench.postgres_proxy import Counts, counting
from bench.wire import Shape

if TYPE_CHECKING:
    from bench.environment import Bench, Service

_SHAPE = Shape(5, 50_000)
"""Long enough for everything before the first word to be counted by itself, too short for a lease to be renewed."""
_BEFORE_THE_MODEL = Goal(3)


async def measure(bench: Bench) -> list[Figure]:
    """Send one request of each kind to a service that has answered before."""
    async with counting(bench.database.dsn) as (dsn, counts), bench.service("0", POSTGRES_URL=dsn) as service:
        short = await service.conversation()
        figures = await _message(service, counts, short, "the first message")
        for _ in range(10):
            await service.ask(short, Shape(1))
        figures += await _message(service, counts, short, "a message after 11 others")
        for name, method, path in (
            ("listing", "GET", "/conversations"),
            ("reading", "GET", f"/conversations/{short}"),
            ("deleting", "DELETE", f"/conversations/{short}"),
        ):
            before = counts.now()
            await exchange(service.target, method, path)
            figures += _figures(name, counts.since(before))
    return figures


async def _message(service: Service, counts: Counts, conversation_id: str, name: str) -> list[Figure]:
    """Count what a message takes before the model speaks, and in all."""
    before = counts.now()
    asking = asyncio.create_task(service.ask(conversation_id, _SHAPE))
    await asyncio.sleep(_SHAPE.seconds / 2)
    until_model = counts.since(before)
    outcome = await asking
    assert outcome.is_good  # noqa: S101  # nothing can be measured
    whole = counts.since(before)
    return [*_figures(f"{name}, until the model speaks", until_model, _BEFORE_THE_MODEL), *_figures(name, whole)]


def _figures(name: str, counts: Counts, goal: Goal | None = None) -> list[Figure]:
    return [
        Figure("database", f"round trips, {name}", "", counts.round_trips, goal=goal),
        Figure("database", f"statements, {name}", "", counts.statements),
    ]
