"""The metrics for Prometheus at the service's own address, the same from every worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import httpx2
from fastapi import Depends, HTTPException, Request, Response

from shared.util.addresses import SERVICE

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from shared.observability.otel_sdk import Telemetry
    from shared.telemetry_settings import TelemetrySettings

_SECONDS = 5.0
"""The longest wait for the parent process, which itself waits for the workers."""

Respond: TypeAlias = Callable[[], Awaitable[Response]]
"""Makes a response of the metrics."""


def service_metrics(settings: TelemetrySettings, telemetry: Telemetry | None, port: int | None) -> Respond | None:
    """Return what serves the metrics; None if the service's own address has none.

    `port` is where the parent process of this worker serves the metrics of all workers; None if there is no parent.
    """
    if settings.metrics_address != SERVICE or telemetry is None or telemetry.registry is None:
        return None
    return _of_process(telemetry.registry) if port is None else _of_parent(port)


def _of_process(registry: CollectorRegistry) -> Respond:
    from shared.http.metrics_server import MetricsText  # noqa: PLC0415  # its package may not be installed

    async def collect() -> CollectorRegistry:
        return registry

    return MetricsText(collect).respond


def _of_parent(port: int) -> Respond:
    async def respond() -> Response:
        try:
            async with httpx2.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        except httpx2.HTTPError as error:
            raise HTTPException(503, "The metrics cannot be read") from error
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    return respond


async def _current(request: Request) -> Respond:
    return cast("Respond", request.app.state.metrics)


CurrentMetrics = Annotated[Respond, Depends(_current)]
