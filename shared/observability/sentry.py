"""Error reports to Sentry, without tokens, keys, or any text of a user or of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.observability.log_privacy import is_own
from shared.observability.redaction import redact

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event, Hint

    from shared.settings import Settings

_DROPPED = ("request", "breadcrumbs", "extra", "user", "server_name", "modules")
"""The parts of an event that may contain a header, a body or a query."""
_OF_LIBRARY = "a message of a library"
_FLUSH_SECONDS = 2.0


def set_up_if_configured(settings: Settings, release: str) -> None:
    """Send error reports if `SENTRY_DSN` is set; the SDK is imported only then."""
    if settings.sentry_dsn is not None:
        set_up_reports(settings.sentry_dsn.get_secret_value(), settings.environment, release)


def set_up_reports(dsn: str, environment: str, release: str, transport: type[Transport] | None = None) -> None:
    """Report every log record of level ERROR or higher to Sentry; everything else of the SDK is switched off.

    https://docs.sentry.io/platforms/python/configuration/options/
    """
    import sentry_sdk  # noqa: PLC0415  # slow to import, and only needed for reports
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release,
        transport=transport,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None)],
        max_request_body_size="never",
        include_local_variables=False,
        include_source_context=False,
        traces_sample_rate=None,
        before_send=scrub,
    )


def flush_reports() -> None:
    """Wait until all reports are sent, at most two seconds, because a frozen process sends nothing."""
    import sentry_sdk  # noqa: PLC0415

    sentry_sdk.flush(_FLUSH_SECONDS)


def scrub(event: Event, _hint: Hint) -> Event | None:
    """Remove everything that may contain a secret or a message's text; the type and the location of an error remain."""
    for name in _DROPPED:
        event.pop(name, None)  # type: ignore[misc]  # optional keys, all of them
    logged = event.get("logentry")
    if isinstance(logged, dict):
        # The template of our own lines is a constant of the code. Its values may contain a message's text, and so may
        # the templates of libraries.
        template = str(logged.get("message", "")) if is_own(str(event.get("logger", ""))) else _OF_LIBRARY
        event["logentry"] = {"message": redact(template)}
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = ""
        for frame in exception.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    return event
