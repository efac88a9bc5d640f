"""The findings as lines for a terminal or as JSON, without any secret of the settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from shared.checks.findings import Finding
from shared.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.settings import Settings

_HIDDEN = "[hidden]"
_MIN_SECRET_CHARS = 6
"""Shorter values, such as a placeholder, are also parts of ordinary words."""
_MAX_DETAIL_CHARS = 1_500


def presentable(findings: Iterable[Finding], settings: Settings) -> list[Finding]:
    """Return the findings on one line each, without control characters and without the secrets of the settings."""
    secrets = sorted(set(_secrets(settings)), key=len, reverse=True)
    return [
        Finding(_presentable(each.check, secrets), each.state, _presentable(each.detail, secrets)) for each in findings
    ]


def table(findings: Sequence[Finding]) -> str:
    """Write one line for each finding: the state, the subject and the sentences."""
    width = max((len(each.check) for each in findings), default=0)
    return "".join(f"{each.state:<8} {each.check:<{width}}  {each.detail}\n" for each in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """Write a JSON list of objects with `check`, `state` and `detail`."""
    rows = [{"check": each.check, "state": each.state, "detail": each.detail} for each in findings]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def has_failed(findings: Iterable[Finding]) -> bool:
    """Return whether anything failed; warnings are no failures."""
    return any(each.state == "failed" for each in findings)


def _presentable(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    line = " ".join("".join(each if each.isprintable() else " " for each in clean(text)).split())
    return line if len(line) <= _MAX_DETAIL_CHARS else f"{line[:_MAX_DETAIL_CHARS]}…"


def _secrets(settings: Settings) -> Iterator[str]:
    """Yield the secret values that are long enough to be found in a text."""
    dsn = settings.postgres_url.get_secret_value()
    optional = (settings.anthropic_api_key, settings.sentry_dsn)
    values = [dsn, *settings.jwt_secrets, *settings.encryption_keys]
    values += [each.get_secret_value() for each in optional if each]
    values += _passwords(dsn)
    yield from (value for value in values if len(value) >= _MIN_SECRET_CHARS and value != "postgresql://")


def _passwords(dsn: str) -> Iterator[str]:
    try:
        password = urlsplit(dsn).password or ""
    except ValueError:
        password = ""
    yield from (password, unquote(password))
    yield from (part.removeprefix("password=").strip("'") for part in dsn.split() if part.startswith("password="))
