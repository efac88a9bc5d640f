"""The rate limits that the model's API tells in the headers of its responses."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.claude.rate_limits import RateLimits
from shared.claude.retries import asked_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL = "claude-sonnet-5-5"


def headers(now: float, remaining: int, *, kind: str = "requests", seconds: float = 30) -> Mapping[str, str]:
    reset = datetime.fromtimestamp(now + seconds, UTC).isoformat().replace("+00:00", "Z")
    prefix = f"anthropic-ratelimit-{kind}"
    return {f"{prefix}-limit": "100", f"{prefix}-remaining": str(remaining), f"{prefix}-reset": reset}


@pytest.mark.proves("fallback.limits")
@pytest.mark.parametrize("kind", ["requests", "tokens", "input-tokens", "output-tokens"])
def test_a_limit_is_used_up_until_its_reset(kind: str) -> None:
    now = [1_800_000_000.0]
    limits = RateLimits(lambda: now[0])
    limits.note(MODEL, headers(now[0], 1, kind=kind))
    assert limits.seconds_used_up(MODEL) == 0
    limits.note(MODEL, headers(now[0], 0, kind=kind))
    assert limits.seconds_used_up(MODEL) == 30
    assert limits.seconds_used_up("another model") == 0
    now[0] += 31
    assert limits.seconds_used_up(MODEL) == 0


@pytest.mark.proves("fallback.used-up")
def test_a_far_reset_is_believed_for_a_minute_only() -> None:
    now = [1_800_000_000.0]
    limits = RateLimits(lambda: now[0])
    limits.note(MODEL, headers(now[0], 0, seconds=86_400))
    assert limits.seconds_used_up(MODEL) == 60
    now[0] += 61
    assert limits.seconds_used_up(MODEL) == 0


@pytest.mark.proves("fallback.limits")
def test_little_that_remains_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    limits = RateLimits(lambda: 1_800_000_000.0)
    for remaining in (50, 9, 5, 60, 3):
        limits.note(MODEL, headers(1_800_000_000.0, remaining))
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        f"the model's API has {remaining} of 100 requests left for {MODEL}" for remaining in (9, 3)
    ]
    assert list(limits.remaining()) == [(3, {"gen_ai.request.model": MODEL, "limit": "requests"})]
    assert list(limits.sizes()) == [(100, {"gen_ai.request.model": MODEL, "limit": "requests"})]


@pytest.mark.proves("fallback.limits")
@pytest.mark.parametrize(
    "changes",
    [
        {"limit": "many"},
        {"remaining": ""},
        {"remaining": "1e3"},
        {"reset": "tomorrow"},
        {"reset": "0001-01-01T00:00:00+23:59"},
    ],
    ids=["size", "nothing", "float", "reset", "year 1"],
)
def test_odd_headers_are_no_limits(changes: Mapping[str, str]) -> None:
    limits = RateLimits(lambda: 1_800_000_000.0)
    odd = dict(headers(1_800_000_000.0, 0)) | {f"anthropic-ratelimit-requests-{k}": v for k, v in changes.items()}
    limits.note(MODEL, odd)
    assert limits.seconds_used_up(MODEL) == 0


@pytest.mark.proves("fallback.limits")
def test_the_limits_of_the_last_models_are_kept() -> None:
    limits = RateLimits(lambda: 1_800_000_000.0)
    for number in range(100):
        limits.note(f"model-{number}", headers(1_800_000_000.0, 0))
    assert limits.seconds_used_up("model-0") == 0
    assert limits.seconds_used_up("model-99") == 30
    assert len(list(limits.remaining())) == 64


@pytest.mark.proves("fallback.short-wait")
@pytest.mark.parametrize(
    "value",
    ["nan", "inf", "soon", "Sun, 06 Nov 999999999999 08:49:37 GMT", ""],
    ids=["nan", "inf", "word", "year", "no"],
)
def test_an_odd_wait_is_none(value: str) -> None:
    assert asked_seconds({"retry-after": value}) is None
