"""The start of OpenTelemetry and of the metrics for Prometheus, if the settings ask for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shared.settings import publish
from shared.telemetry_settings import HTTP_PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.observability.otel_sdk import Telemetry
    from shared.settings import Settings
    from shared.telemetry_settings import TelemetrySettings

log = logging.getLogger(__name__)


def start_telemetry(settings: Settings, variables: Mapping[str, str]) -> Telemetry | None:
    """Set up what the settings ask for; None if they ask for nothing, or a package is missing, which the log says.

    OpenTelemetry's library reads its variables from the environment, so those of `.env` are set there.
    """
    for line in _misunderstandings(settings):
        log.warning("%s", line)
    if not settings.has_telemetry:
        return None
    for name in variables:
        if name.startswith("OTEL_"):
            publish(name, variables[name])
    try:
        from shared.observability.otel_sdk import Telemetry  # noqa: PLC0415  # slow to import, and off by default
    except ModuleNotFoundError as error:
        log.warning(
            "%s has no effect, because the package of %s is not installed: install imbi-assistant[otel]",
            settings.telemetry_variable,
            error.name,
        )
        return None
    return Telemetry(settings, settings.environment)


def _misunderstandings(settings: TelemetrySettings) -> Iterator[str]:
    """Yield a line for each standard variable that asks for something that the service does not do."""
    if not settings.has_endpoint or settings.is_otel_disabled:
        return
    for name, exporter in (
        ("OTEL_TRACES_EXPORTER", settings.traces_exporter),
        ("OTEL_METRICS_EXPORTER", settings.metrics_exporter),
    ):
        if exporter not in {"otlp", "none"}:
            yield f"{name} is {exporter!r}, but the service exports by otlp or not at all (none)"
    if settings.otlp_protocol not in {None, HTTP_PROTOCOL}:
        yield f"OTEL_EXPORTER_OTLP_PROTOCOL is ignored: the service sends {HTTP_PROTOCOL}, usually to port 4318"
