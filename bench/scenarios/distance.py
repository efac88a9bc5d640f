"""Answers of a model that is 40 ms away over TLS: the first word, and the connections that warm answers open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.distance import distant
from bench.figures import Figure, Goal, percentile
from bench.wire import Shape

if TYPE_CHECKING:
    from bench.environment import Bench

_ROUND_TRIP = 0.040
_WARM_UPS = 3
_SHAPE = Shape(3)


async def measure(bench: Bench) -> list[Figure]:
    """Ask the service and the relay alternately, one question at a time."""
    count = 10 if bench.is_quick else 40
    ours: list[float] = []
    async with distant(bench.upstream_url, bench.directory, _ROUND_TRIP) as far:
        trusted = {"SSL_CERT_FILE": str(far.certificate)}
        async with (
            bench.service("0", ANTHROPIC_BASE_URL=far.url, SSL_CERT_FILE=str(far.certificate)) as service,
            bench.floor(far.url, trusted) as floor,
        ):
            conversations = [await service.conversation() for _ in range(count + _WARM_UPS)]
            before = 0
            for number, conversation_id in enumerate(conversations):
                if number == _WARM_UPS:
                    before = far.connections
                outcome = await service.ask(conversation_id, _SHAPE)
                assert outcome.is_good  # noqa: S101  # nothing can be measured
                ours.append(outcome.first_word)
            opened = far.connections - before
            theirs = [(await floor.ask(await bench.request_bytes(), _SHAPE)).first_word for _ in conversations]
    ours, theirs = ours[_WARM_UPS:], theirs[_WARM_UPS:]
    return [
        Figure(
            "distance",
            "first word at 40 ms, p50",
            "ms",
            percentile(ours, 0.5) * 1000,
            percentile(theirs, 0.5) * 1000,
            Goal(1.5, "ratio"),
        ),
        Figure("distance", f"connections of {count} warm answers", "", opened, goal=Goal(0)),
    ]
