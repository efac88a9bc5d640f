"""The settings of a Lambda function, and the logging, error reports, metrics and tracing that they configure."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.checks.unknown_variables import unknown_variables
from shared.domain.version import version
from shared.observability import logs, sentry
from shared.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.observability.metrics import Sink
    from shared.observability.tracing import Tracer
    from shared.settings import Settings

log = logging.getLogger(__name__)

_SERVICE = "imbi-assistant"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, the destinations of metrics, and the tracer if tracing is on."""

    settings: Settings
    metrics_sinks: Sequence[Sink]
    tracer: Tracer | None

    async def flush_reports(self) -> None:
        """Wait until the error reports are sent, because a frozen process sends nothing."""
        if self.settings.sentry_dsn is not None:
            await asyncio.to_thread(sentry.flush_reports)


def configure(variables: Mapping[str, str]) -> Configuration:
    """Read the settings from variables, and set up logging and error reports for the process.

    Raises:
        SettingsError: a variable is missing or invalid.
    """
    settings = load(variables)
    logs.set_up_json_logging(settings.log_level, _SERVICE)
    for line in unknown_variables(variables):
        log.warning("%s", line)
    if settings.has_telemetry:
        log.warning("%s has no effect under Lambda; see docs/lambda.md", settings.telemetry_variable)
    sentry.set_up_if_configured(settings, version())
    return Configuration(settings, _metrics_sinks(settings), _tracer(settings))


def _metrics_sinks(settings: Settings) -> list[Sink]:
    if not settings.has_credentials:
        return []
    from shared.aws.cloudwatch import CloudWatchMetrics  # noqa: PLC0415  # imported only if the function gives answers

    return [CloudWatchMetrics(_SERVICE, settings.environment)]


def _tracer(settings: Settings) -> Tracer | None:
    if not settings.is_traced:
        return None
    from shared.aws.xray import XRay  # noqa: PLC0415  # slow to import, and off by default

    return XRay(_SERVICE)
