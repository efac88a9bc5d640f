"""The spans and metrics of requests, which FastAPI records by itself (https://fastapi.tiangolo.com)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from starlette.types import Scope

    from shared.observability.otel_sdk import Telemetry

_PROBES = ("/livez", "/status", "/metrics")
"""The ends of the paths that are asked every few seconds. Such requests are not recorded."""


def request_telemetry(telemetry: Telemetry | None) -> TelemetryConfig:
    """Return the configuration of FastAPI's own spans and metrics of requests.

    It never uses the process's global providers, and never records the texts of exceptions.
    """
    return {
        "tracing": telemetry is not None,
        "metrics": telemetry is not None,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "tracer_provider": telemetry.tracer_provider if telemetry else None,
        "meter_provider": telemetry.meter_provider if telemetry else None,
        "exclude": _is_probe,
    }


def _is_probe(scope: Scope) -> bool:
    return str(scope.get("path", "")).endswith(_PROBES)
