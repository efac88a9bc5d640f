"""The scripted model's prompt cache: what a request costs, counted by the prefixes that were seen before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.messages_api.editing import with_cleared_results
from local.messages_api.models import rules_of
from local.messages_api.references import referenced_names

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKBACK = 20
"""How many blocks before a breakpoint the API looks for something that it has cached."""

BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class _Prefix:
    """Everything up to a block: its hash, its tokens, and whether a breakpoint stands there."""

    digest: str
    tokens: int
    is_breakpoint: bool


@dataclass(slots=True)
class PrefixCache:
    """Counts input tokens (four bytes are one, roughly) and finds what was cached, as the API describes its cache.

    A breakpoint writes the prefix that ends with it, and reads the longest one written before within its lookback.
    Prefixes shorter than `minimum_tokens`, by default the model's, are not cached. Nothing expires: a test is over
    before it would. Deferred tools cost nothing until a message refers to them; results that the request has cleared
    (`context_management`) are not counted.
    """

    minimum_tokens: int | None = None
    _seen: set[str] = field(default_factory=set)

    def usage(self, body: dict[str, Any]) -> dict[str, int]:
        """Count a request's input tokens, split into fresh, written and read ones; remembers what it wrote."""
        body, _ = with_cleared_results(body)
        minimum = self.minimum_tokens or rules_of(str(body.get("model"))).cache_minimum
        prefixes = list(_prefixes(body))
        total = prefixes[-1].tokens if prefixes else 0
        breakpoints = [at for at, prefix in enumerate(prefixes) if prefix.is_breakpoint]
        cacheable = [at for at in breakpoints if prefixes[at].tokens >= minimum]
        read = max((self._longest_read(prefixes, at) for at in cacheable), default=0)
        written = max((prefixes[at].tokens for at in cacheable), default=0)
        self._seen.update(prefixes[at].digest for at in cacheable)
        return {
            "input_tokens": total - max(read, written),
            "cache_creation_input_tokens": max(0, written - read),
            "cache_read_input_tokens": read,
        }

    def _longest_read(self, prefixes: list[_Prefix], breakpoint_at: int) -> int:
        within = prefixes[max(0, breakpoint_at - LOOKBACK + 1) : breakpoint_at + 1]
        return max((prefix.tokens for prefix in within if prefix.digest in self._seen), default=0)


def _prefixes(body: dict[str, Any]) -> Iterator[_Prefix]:
    """Go through a request in the cache's order; a change of an earlier part changes every later prefix."""
    digest = hashlib.sha256(str(body.get("model")).encode())
    size = 0
    parts = list(_parts(body))
    for number, (part, is_free) in enumerate(parts):
        encoded = json.dumps(_unmarked(part), ensure_ascii=False, separators=(",", ":")).encode()
        digest.update(len(encoded).to_bytes(8) + encoded)
        size += 0 if is_free else len(encoded)
        if is_free:
            continue
        is_last = number == len(parts) - 1
        marked = _is_marked(part) or (is_last and bool(body.get("cache_control")))
        yield _Prefix(digest.hexdigest(), -(-size // BYTES_PER_TOKEN), marked)


def _parts(body: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    """Give tools, system and messages block by block; what is free counts for the hash, not for the tokens.

    A choice of tool or of thinking is no text of the prompt, but a change of it invalidates the messages' cache.
    """
    tools = body.get("tools") or []
    deferred = {tool["name"]: tool for tool in tools if tool.get("defer_loading")}
    yield from ((tool, False) for tool in tools if tool["name"] not in deferred)
    yield from ((block, False) for block in _content(body.get("system") or []))
    yield [body.get("tool_choice"), body.get("thinking")], True
    for message in body["messages"]:
        yield message["role"], True
        for block in _content(message["content"]):
            shown = [deferred[name] for name in referenced_names(block) if name in deferred]
            yield ([block, shown] if shown else block), False


def _content(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _is_marked(part: Any) -> bool:
    if isinstance(part, list):
        return _is_marked(part[0])
    if not isinstance(part, dict):
        return False
    inner = part.get("content")
    return bool(part.get("cache_control")) or (isinstance(inner, list) and any(_is_marked(item) for item in inner))


def _unmarked(part: Any) -> Any:
    """Leave the breakpoints out: where they stand is no part of what is cached."""
    if isinstance(part, list):
        return [_unmarked(item) for item in part]
    if isinstance(part, dict):
        return {key: _unmarked(value) for key, value in part.items() if key != "cache_control"}
    return part
