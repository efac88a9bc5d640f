"""The metrics for Prometheus as a response, and as a server of their own.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from shared.http.server import create_server
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable

    from prometheus_client.registry import Collector
    from starlette.requests import Request

METRICS_PATH = "/metrics"
_LONGEST_SECONDS = 10.0
"""A collection that runs for longer counts as lost, and the next request begins another one."""


class MetricsText:
    """The metrics as text. Requests at the same time share one collection, because each costs milliseconds."""

    def __init__(self, collect: Callable[[], Awaitable[Collector]]) -> None:
        self._collect = collect
        self._reading = SingleFlight(self._read, longest=_LONGEST_SECONDS, clock=time.monotonic)

    async def respond(self) -> Response:
        """Return the metrics of this moment."""
        return Response(await asyncio.shield(self._reading.start()), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def _read(self) -> bytes:
        # Some gauges and the merging of many workers take milliseconds, in which no answer should stop.
        return await asyncio.to_thread(generate_latest, await self._collect())


@asynccontextmanager
async def serving_metrics(listening: socket.socket, collect: Callable[[], Awaitable[Collector]]) -> AsyncIterator[None]:
    """Serve what `collect` returns, at `/metrics` and without authentication, until the context ends."""
    text = MetricsText(collect)

    async def metrics(_request: Request) -> Response:
        return await text.respond()

    server = create_server(Starlette(routes=[Route(METRICS_PATH, metrics)]), log_level="warning")
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.stop(at_once=True)
        await serving
