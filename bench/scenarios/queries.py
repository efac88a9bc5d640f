"""The statements and round trips to the database of each kind of request, counted on the wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.client import exchange
from bench.figures import Figure, Goal
from bench.wire import Shape
from tests.support.proxy import proxied_database
from tests.support.round_trips import queries

if TYPE_CHECKING:
    from bench.environment import Bench, Service
    from tests.support.proxy import Proxy

_SHAPE = Shape(5, 50_000)
"""A delay that separates the statements before the first word from the later ones."""
_BEFORE_THE_MODEL = Goal(3)


async def measure(bench: Bench) -> list[Figure]:
    """Send one request of each kind to a service that has answered before."""
    with proxied_database(bench.database.dsn) as proxy:
        async with bench.service("0", POSTGRES_URL=proxy.url) as service:
            return await _measure(service, proxy)


async def _measure(service: Service, proxy: Proxy) -> list[Figure]:
    conversation_id = await service.conversation()
    figures = await _message(service, proxy, conversation_id, "the first message")
    for _ in range(10):
        await service.ask(conversation_id, Shape(1))
    figures += await _message(service, proxy, conversation_id, "a message after 11 others")
    for name, method, path in (
        ("listing", "GET", "/conversations"),
        ("reading", "GET", f"/conversations/{conversation_id}"),
        ("deleting", "DELETE", f"/conversations/{conversation_id}"),
    ):
        before = _count(proxy)
        await exchange(service.target, method, path)
        figures += _figures(name, proxy, before)
    return figures


async def _message(service: Service, proxy: Proxy, conversation_id: str, name: str) -> list[Figure]:
    """Count the statements of a message before the first word, and in total."""
    before = _count(proxy)
    asking = asyncio.create_task(service.ask(conversation_id, _SHAPE))
    await asyncio.sleep(_SHAPE.seconds / 2)
    until_model = _figures(f"{name}, until the model speaks", proxy, before, _BEFORE_THE_MODEL)
    outcome = await asking
    assert outcome.is_good  # noqa: S101  # nothing can be measured
    return [*until_model, *_figures(name, proxy, before)]


def _figures(name: str, proxy: Proxy, before: tuple[int, int], goal: Goal | None = None) -> list[Figure]:
    trips, statements = _count(proxy)
    return [
        Figure("database", f"round trips, {name}", "", trips - before[0], goal=goal),
        Figure("database", f"statements, {name}", "", statements - before[1]),
    ]


def _count(proxy: Proxy) -> tuple[int, int]:
    """Return the numbers of round trips and statements so far."""
    trips = [trip for trip in queries(proxy.trips) if trip]
    return len(trips), sum(map(len, trips))
