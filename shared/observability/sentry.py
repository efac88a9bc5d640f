"""Error reports to Sentry, without tokens, keys, or any text of a user or of the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event, Hint

    from shared.settings import Settings

_SECRETS = re.compile(
    r"""
    (?<=bearer\s)\S+                                  # an access token in a header
    | \b(?:eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)            # a JWT
    | \bsk-[\w-]{8,}                                  # a key of the model's API
    | \bik_\w+                                        # an API key of Imbi
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                 # a user and password in a URL
    | \bgAAAAA[\w=-]{20,}                             # a Fernet token
    """,
    re.IGNORECASE | re.VERBOSE,
)
_REDACTED = "[hidden]"
_DROPPED = ("request", "breadcrumbs", "extra", "user", "server_name", "modules")
"""The parts of an event that may contain a header, a body or a query."""
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
        # The template is a constant of the code. Its values, and the text made of both, may contain a message's text.
        event["logentry"] = {"message": redact(str(logged.get("message", "")))}
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = ""
        for frame in exception.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    return event


def redact(text: str) -> str:
    """Replace everything that looks like a token, a key or a password."""
    return _SECRETS.sub(_REDACTED, text)
