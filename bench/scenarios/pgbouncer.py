"""The first word and the CPU time of a message where PgBouncer is between the service and the database."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Figure, percentile
from bench.wire import Shape
from tests.support import pgbouncer

if TYPE_CHECKING:
    from bench.environment import Bench, Floor, Service

_WARM_UPS = 5
_SHAPE = Shape(3)


async def measure(bench: Bench) -> list[Figure]:
    """Ask the service and the relay alternately; without PgBouncer on this machine, there are no figures."""
    if pgbouncer.PROGRAM is None:
        return []
    with tempfile.TemporaryDirectory() as directory, pgbouncer.pgbouncer(bench.database.dsn, Path(directory)) as dsn:
        async with bench.floor() as floor, bench.service("300", POSTGRES_URL=dsn) as service:
            return await _asked(bench, service, floor)


async def _asked(bench: Bench, service: Service, floor: Floor) -> list[Figure]:
    count = 10 if bench.is_quick else 60
    conversations = [await service.conversation() for _ in range(count + _WARM_UPS)]
    for conversation_id in conversations[:_WARM_UPS]:
        await service.ask(conversation_id, _SHAPE)
    cpu = service.measured.cpu_seconds, floor.measured.cpu_seconds
    ours, theirs = [], []
    for conversation_id in conversations[_WARM_UPS:]:
        ours.append(await service.ask(conversation_id, _SHAPE))
        theirs.append(await floor.ask(await bench.request_bytes(), _SHAPE))
    assert all(each.is_good for each in ours + theirs)  # noqa: S101  # nothing can be measured
    spent = service.measured.cpu_seconds - cpu[0], floor.measured.cpu_seconds - cpu[1]
    first, second = (percentile((each.first_word for each in outcomes), 0.5) * 1000 for outcomes in (ours, theirs))
    return [
        Figure("PgBouncer", "first word, 300 tools, p50", "ms", first, second),
        Figure("PgBouncer", "CPU of a message, 300 tools", "ms", spent[0] / count * 1000, spent[1] / count * 1000),
    ]
