"""Error reports to Sentry, without tokens, keys or anything that a user or the model has said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event, Hint

_SECRETS = re.compile(
    r"""
    (?<=bearer\s)\S+                                  # an access token in a header
    | (?<![\w-])(?:eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)    # a JWT
    | \bsk-[\w-]{8,}                                  # a key of the model's API
    | \bik_\w+                                        # an API key of Imbi
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                 # a user and password in a URL
    | \bgAAAAA[\w=-]{20,}                             # a Fernet token
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HIDDEN = "[hidden]"
_DROPPED = ("request", "breadcrumbs", "extra", "user", "server_name", "modules")
"""What an event may carry that could hold a header, a body or a query."""
_FLUSH_SECONDS = 2.0


def set_up_reports(dsn: str, environment: str, release: str, transport: type[Transport] | None = None) -> None:
    """Send what is logged as an error; nothing else of the SDK is switched on."""
    import sentry_sdk  # noqa: PLC0415  # imported only where reports are wanted
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
        before_send=scrubbed,
    )


def flush_reports() -> None:
    """Wait until what was reported is sent: a frozen process sends nothing."""
    import sentry_sdk  # noqa: PLC0415

    sentry_sdk.flush(_FLUSH_SECONDS)


def scrubbed(event: Event, _hint: Hint) -> Event | None:
    """Take everything out that may hold a secret or a message's text; the kind and the place of an error stay."""
    for name in _DROPPED:
        event.pop(name, None)  # type: ignore[misc]  # optional keys, all of them
    logged = event.get("logentry")
    if isinstance(logged, dict):
        # The template says what happened, its values and the text made of both may say with what words.
        event["logentry"] = {"message": hidden(str(logged.get("message", "")))}
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = ""
        for frame in exception.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    return event


def hidden(text: str) -> str:
    """Hide what looks like a token, a key or a password."""
    return _SECRETS.sub(_HIDDEN, text)
