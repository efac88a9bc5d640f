"""The prompt cache: the usage of a request, counted by the prefixes of earlier ones. Page: "Prompt caching"."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from local.messages_api.editing import with_cleared_results
from local.messages_api.models import rules_of
from local.messages_api.references import referenced_names
from local.messages_api.request import is_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.messages_api.request import Body

LOOKBACK: Final = 20
"""The number of blocks up to a breakpoint among which the API looks for a cached prefix."""

BYTES_PER_TOKEN: Final = 4
"""An estimate: the API's tokenizer is not public."""

SECONDS_OF_TTL: Final = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class InputUsage:
    """The input tokens of a request: those that no cache served, those that were written, those that were read."""

    fresh: int
    written_5m: int = 0
    written_1h: int = 0
    read: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The input's part of the `usage` object of a message."""
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
        }

    def as_json(self, output_tokens: int) -> dict[str, object]:
        """Render the whole `usage` object of a message."""
        return {
            **self.counts,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        }


@dataclass(frozen=True, slots=True)
class _Prefix:
    """Everything up to a block: its hash, its tokens, and the TTL of the breakpoint that stands there, if any."""

    digest: str
    tokens: int
    ttl: str | None


def input_tokens(body: Body) -> int:
    """Estimate the tokens of a request's whole input."""
    return max((prefix.tokens for prefix in _prefixes(body)), default=0)


@dataclass(slots=True)
class PromptCache:
    """Counts input tokens and remembers prefixes, each for the time that its breakpoint asked for.

    A breakpoint writes the prefix that ends with it, and reads the longest one that was written before within its
    lookback. Prefixes shorter than `minimum_tokens`, by default the model's, are not cached. Deferred tools cost
    nothing until a message refers to them; results that the request has cleared (`context_management`) are not counted.
    """

    minimum_tokens: int | None = None
    clock: Callable[[], float] = time.monotonic
    _expiries: dict[str, float] = field(default_factory=dict)

    def measure(self, body: Body) -> InputUsage:
        """Return the usage of a request's input, and remember its prefixes."""
        body, _ = with_cleared_results(body)
        minimum = self.minimum_tokens or rules_of(str(body.get("model"))).cache_minimum
        prefixes = list(_prefixes(body))
        total = prefixes[-1].tokens if prefixes else 0
        cacheable = [at for at, prefix in enumerate(prefixes) if prefix.ttl and prefix.tokens >= minimum]
        now = self.clock()
        read = max((self._longest_read(prefixes, at, now) for at in cacheable), default=0)
        written = dict.fromkeys(SECONDS_OF_TTL, 0)
        covered = read
        for prefix in (prefixes[at] for at in cacheable):
            ttl = prefix.ttl or "5m"
            written[ttl] += max(0, prefix.tokens - covered)
            covered = max(covered, prefix.tokens)
            self._expiries[prefix.digest] = now + SECONDS_OF_TTL[ttl]
        self._forget(now)
        return InputUsage(total - covered, written["5m"], written["1h"], read)

    def _longest_read(self, prefixes: list[_Prefix], breakpoint_at: int, now: float) -> int:
        within = prefixes[max(0, breakpoint_at - LOOKBACK + 1) : breakpoint_at + 1]
        return max((prefix.tokens for prefix in within if self._expiries.get(prefix.digest, 0) > now), default=0)

    def _forget(self, now: float) -> None:
        for digest in [digest for digest, expiry in self._expiries.items() if expiry <= now]:
            del self._expiries[digest]


def _prefixes(body: Body) -> Iterator[_Prefix]:
    """Go through a request in the cache's order; a change of an earlier part changes every later prefix."""
    digest = hashlib.sha256(str(body.get("model")).encode())
    size = 0
    parts = list(_parts(body))
    for number, (part, is_free) in enumerate(parts, 1):
        encoded = json.dumps(_without_marks(part), ensure_ascii=False, separators=(",", ":")).encode()
        digest.update(len(encoded).to_bytes(8) + encoded)
        size += 0 if is_free else len(encoded)
        if is_free:
            continue
        mark = _mark_of(part) or (body.get("cache_control") if number == len(parts) else None)
        ttl = str(mark.get("ttl") or "5m") if mark else None
        yield _Prefix(digest.hexdigest(), -(-size // BYTES_PER_TOKEN), ttl)


def _parts(body: Body) -> Iterator[tuple[object, bool]]:
    """Yield tools, system and messages block by block, and whether a part counts for the hash alone.

    The choices of tool and of thinking are no text of the prompt, but a change of them invalidates the messages' cache.
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


def _content(content: str | list[Body]) -> list[Body]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _mark_of(part: object) -> Body | None:
    """Return the `cache_control` of a block, or of a block in its content."""
    if isinstance(part, list):
        return _mark_of(part[0])
    if not isinstance(part, dict):
        return None
    if mark := part.get("cache_control"):
        return dict(mark)
    inner = part.get("content")
    marks = [_mark_of(item) for item in inner] if isinstance(inner, list) and is_objects(inner) else []
    return next((mark for mark in marks if mark), None)


def _without_marks(part: object) -> object:
    """Leave the breakpoints out: their places are no part of the cached text."""
    if isinstance(part, list):
        return [_without_marks(item) for item in part]
    if isinstance(part, dict):
        return {key: _without_marks(value) for key, value in part.items() if key != "cache_control"}
    return part
