"""The rules about cache breakpoints (`cache_control`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.request import blocks, inner_blocks
from local.messages_api.system import system_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

MAX_BREAKPOINTS: Final = 4
"""Page: "Prompt caching". The automatic breakpoint (`cache_control` of the request itself) is one of them."""

TTLS: Final = ("1h", "5m")


def breakpoint_count(body: Body) -> Iterator[str]:
    """A request has at most four breakpoints. Page: "Prompt caching"."""
    count = len(_controls(body))
    if count > MAX_BREAKPOINTS:
        yield f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {count}."


def breakpoint_places(body: Body) -> Iterator[str]:
    """No empty text and no deferred tool is a breakpoint. Pages: "Prompt caching", "Tool use with prompt caching"."""
    for part in _marked(body):
        if part.get("type") == "text" and not part.get("text"):
            yield "cache_control cannot be set for empty text blocks"
        if part.get("type") in {"thinking", "redacted_thinking"}:
            yield f"{part['type']}.cache_control: Extra inputs are not permitted"
        if part.get("defer_loading"):
            yield f"Tool '{part.get('name')}' cannot have both defer_loading=true and cache_control set."


def breakpoint_ttls(body: Body) -> Iterator[str]:
    """A breakpoint lasts 5 minutes or 1 hour, and the longer ones come first. Page: "Prompt caching"."""
    controls = _controls(body)
    if any(control.get("type") != "ephemeral" or control.get("ttl", "5m") not in TTLS for control in controls):
        yield "cache_control: Input should be {'type': 'ephemeral'} with a ttl of '5m' or '1h'"
    ttls = [str(control.get("ttl", "5m")) for control in controls]
    if ttls != sorted(ttls):
        yield (
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are "
            "processed in the following order: `tools`, `system`, `messages`."
        )


def cached_parts(body: Body) -> Iterator[Body]:
    """Yield everything that may carry `cache_control`, in the order of the cache: tools, system, messages."""
    yield from body.get("tools") or []
    yield from system_blocks(body)
    for block in blocks(body):
        yield from inner_blocks(block.value)
        yield block.value


def _marked(body: Body) -> list[Body]:
    return [part for part in cached_parts(body) if part.get("cache_control")]


def _controls(body: Body) -> list[Body]:
    return [part["cache_control"] for part in [*_marked(body), body] if part.get("cache_control")]
