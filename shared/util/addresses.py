"""The forms of addresses in settings. Nothing is resolved or opened."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

_POSTGRESQL = frozenset({"postgresql", "postgres"})
_KEYWORDS = re.compile(r"\s*[a-z_]+\s*=")
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]*")
_PROJECT = re.compile(r"(/.*)?/\d+")


SERVICE: Literal["service"] = "service"
"""Stands for the address of the service itself."""


class Address(NamedTuple):
    """The address on which a server listens."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """Return a host and a port. A host of IPv6 has brackets, as in `[::1]:9464`.

    Raises:
        ValueError: the text is not of this form.
    """
    parts = _parts(f"//{text}")
    if parts is None or not parts.hostname or not parts.port or text != parts.netloc or "@" in text:
        raise ValueError("must be a host and a port, such as 127.0.0.1:9464")
    return Address(parts.hostname, parts.port)


def parse_metrics_address(text: str) -> Address | Literal["service"]:
    """Return a host and a port, or `service`.

    Raises:
        ValueError: the text is neither.
    """
    if text == SERVICE:
        return SERVICE
    try:
        return parse_address(text)
    except ValueError as error:
        raise ValueError(f"{error}, or the word {SERVICE}") from None


def is_http_url(url: str) -> bool:
    """Return whether a text is an http or https URL with a host."""
    parts = _parts(url)
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)


def check_http_url(url: str) -> str:
    """Return an http or https URL without trailing slashes.

    Raises:
        ValueError: it is none.
    """
    if not is_http_url(url):
        raise ValueError("must be an http or https URL")
    return url.rstrip("/")


def parse_hosts(names: str) -> tuple[str, ...]:
    """Return the hosts of a list that is separated by commas.

    Raises:
        ValueError: one of them has a scheme, a port or a path.
    """
    hosts = tuple(host.rstrip(".") for name in names.split(",") if (host := name.strip().lower()))
    if not all(map(_HOST.fullmatch, hosts)):
        raise ValueError("must be hosts without scheme, port and path, such as mcp.example.com, *.example.com")
    return hosts


def parse_origins(origins: str) -> tuple[str, ...]:
    """Return the web origins (RFC 6454) of a list that is separated by commas; `*` stands for all.

    Raises:
        ValueError: one of them is no scheme with a host and perhaps a port.
    """
    found = tuple(origin for each in origins.split(",") if (origin := each.strip().lower()))
    if found != ("*",) and not all(map(_is_origin, found)):
        raise ValueError("must be origins such as https://imbi.example.com, without a path, or * for all")
    return found


def _is_origin(text: str) -> bool:
    parts = _parts(text)
    return is_http_url(text) and parts is not None and text == f"{parts.scheme}://{parts.netloc}" and "@" not in text


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
