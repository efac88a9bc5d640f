"""The metrics for Prometheus, served on an address of their own (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from shared.http.server import create_server

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable

    from prometheus_client.registry import Collector
    from starlette.requests import Request

METRICS_PATH = "/metrics"


@asynccontextmanager
async def serving_metrics(listening: socket.socket, collect: Callable[[], Awaitable[Collector]]) -> AsyncIterator[None]:
    """Serve what `collect` returns, at `/metrics` and without authentication, until the context ends."""

    async def metrics(_request: Request) -> Response:
        # Some gauges and the merging of many workers take milliseconds, in which no answer should stop.
        collected = await collect()
        text = await asyncio.to_thread(generate_latest, collected)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    server = create_server(Starlette(routes=[Route(METRICS_PATH, metrics)]), log_level="warning")
    serving = asyncio.create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await serving
