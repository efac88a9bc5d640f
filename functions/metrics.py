"""GET /metrics, only if `IMBI_ASSISTANT_METRICS_ADDRESS` is `service`. Under Lambda there is no such function."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shared.http.service_metrics import CurrentMetrics

router = APIRouter()


@router.get("/metrics", response_class=Response)
async def metrics(respond: CurrentMetrics) -> Response:
    """Return the metrics of all workers for Prometheus, without authentication."""
    return await respond()
