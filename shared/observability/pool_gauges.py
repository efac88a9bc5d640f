"""The gauges of the pool of database connections, by their names in OpenTelemetry's conventions.

https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.observability.measurements import Gauge
from shared.observability.semantics import POOL_COUNT, POOL_MAX, POOL_NAME, POOL_PENDING, POOL_STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.pool_usage import PoolUsage

_POOL: Final = {POOL_NAME: "graph"}


def pool_gauges(usage: Callable[[], PoolUsage], max_size: int) -> list[Gauge]:
    """Return the gauges of a pool."""
    return [
        Gauge(
            POOL_COUNT,
            "{connection}",
            "Connections to the database",
            lambda: [
                (usage().idle, {**_POOL, POOL_STATE: "idle"}),
                (usage().used, {**_POOL, POOL_STATE: "used"}),
            ],
        ),
        Gauge(POOL_MAX, "{connection}", "Largest number of connections", lambda: [(max_size, _POOL)]),
        Gauge(POOL_PENDING, "{request}", "Uses of the database that wait", lambda: [(usage().pending, _POOL)]),
    ]
