"""The prompt cache counts what earlier requests have written."""

from __future__ import annotations

from typing import Any

import pytest

from local.messages_api.prompt_cache import LOOKBACK, InputUsage, PromptCache, input_tokens

LONG = "word " * 1_000


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def body(*texts: str, ttl: str | None = "5m") -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
    if ttl is not None:
        blocks[-1]["cache_control"] = {"type": "ephemeral", "ttl": ttl}
    return {"model": "claude-demo", "messages": [{"role": "user", "content": blocks}]}


def test_a_request_without_a_breakpoint_is_not_cached() -> None:
    cache = PromptCache()
    request = body(LONG, ttl=None)
    assert cache.measure(request) == cache.measure(request) == InputUsage(input_tokens(request))


def test_a_prefix_that_is_too_short_is_not_cached() -> None:
    cache = PromptCache()
    assert cache.measure(body("short")) == cache.measure(body("short")) == InputUsage(input_tokens(body("short")))


@pytest.mark.parametrize(("ttl", "seconds"), [("5m", 300), ("1h", 3600)])
def test_a_prefix_is_read_until_its_time_is_over(ttl: str, seconds: int) -> None:
    clock = Clock()
    cache = PromptCache(clock=clock)
    tokens = input_tokens(body(LONG, ttl=ttl))
    written = cache.measure(body(LONG, ttl=ttl))
    assert {"5m": written.written_5m, "1h": written.written_1h}[ttl] == tokens
    clock.now = seconds - 1
    assert cache.measure(body(LONG, ttl=ttl)).read == tokens
    clock.now += seconds
    assert cache.measure(body(LONG, ttl=ttl)).read == 0


@pytest.mark.parametrize(("more", "is_read"), [(LOOKBACK - 1, True), (LOOKBACK, False)])
def test_a_breakpoint_looks_back_over_so_many_blocks(more: int, *, is_read: bool) -> None:
    cache = PromptCache()
    cache.measure(body(LONG))
    assert (cache.measure(body(LONG, *["more"] * more)).read > 0) == is_read
