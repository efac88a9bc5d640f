"""The forms of addresses in settings. Nothing is resolved or opened."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_POSTGRESQL = frozenset({"postgresql", "postgres"})
_KEYWORDS = re.compile(r"\s*[a-z_]+\s*=")
_PROJECT = re.compile(r"(/.*)?/\d+")


def is_http_url(url: str) -> bool:
    """Return whether a text is an http or https URL with a host."""
    parts = _parts(url)
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)


def is_postgresql_dsn(dsn: str) -> bool:
    """Return whether a text has the form of a DSN of PostgreSQL: a URL, or `keyword=value` pairs.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
    """
    scheme, separator, _ = dsn.partition("://")
    return scheme in _POSTGRESQL if separator and "=" not in scheme else _KEYWORDS.match(dsn) is not None


def is_sentry_dsn(dsn: str) -> bool:
    """Return whether a text has the form of a DSN of Sentry: a URL with a public key and a project's number."""
    parts = _parts(dsn)
    return is_http_url(dsn) and parts is not None and bool(parts.username) and bool(_PROJECT.fullmatch(parts.path))


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
