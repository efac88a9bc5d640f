"""Estimates the tokens of a request, and how many of them a prompt cache would have served."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import BaseModel

    from local.demo_model.wire import CacheControl, CountRequest

CHARACTERS_PER_TOKEN = 4
MINIMUM_PREFIX = 1024
"""The shortest prefix, in tokens, that is cached; as for the larger models of the API."""
LOOKBACK = 20
"""The number of blocks before a breakpoint in which an earlier cache entry is looked for."""
SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class InputUsage:
    """The usage of a request's input, in tokens."""

    fresh: int
    written_5m: int = 0
    written_1h: int = 0
    read: int = 0

    def as_json(self, output_tokens: int) -> dict[str, object]:
        """Render the `usage` object of a message."""
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        }


@dataclass(frozen=True, slots=True)
class _Piece:
    digest: bytes
    """The digest of everything up to and including this piece."""
    tokens: int
    """The number of tokens up to and including this piece."""
    ttl: str | None


def tokens_of(text: str) -> int:
    """Estimate the number of tokens of a text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def input_tokens(request: CountRequest) -> int:
    """Estimate the number of tokens of a request's input."""
    return max((piece.tokens for piece in _pieces(request)), default=0)


@dataclass(slots=True)
class PromptCache:
    """Stores the prefixes of requests up to their breakpoints, each for the time that the request asked for."""

    clock: Callable[[], float] = time.monotonic
    _expiries: dict[bytes, float] = field(default_factory=dict)

    def measure(self, request: CountRequest) -> InputUsage:
        """Return the usage of a request, and store its prefixes."""
        pieces = list(_pieces(request))
        total = pieces[-1].tokens
        marked = [index for index, piece in enumerate(pieces) if piece.ttl and piece.tokens >= MINIMUM_PREFIX]
        if not marked:
            return InputUsage(total)
        now = self.clock()
        read = max((pieces[index].tokens for index in self._held(pieces, marked, now)), default=0)
        written = {"5m": 0, "1h": 0}
        covered = read
        for index in marked:
            piece = pieces[index]
            ttl = piece.ttl or "5m"
            written[ttl] += max(0, piece.tokens - covered)
            covered = max(covered, piece.tokens)
            self._expiries[piece.digest] = now + SECONDS[ttl]
        self._forget(now)
        return InputUsage(total - covered, written["5m"], written["1h"], read)

    def _held(self, pieces: list[_Piece], marked: list[int], now: float) -> Iterator[int]:
        for index in marked:
            for earlier in range(index, max(-1, index - LOOKBACK), -1):
                if self._expiries.get(pieces[earlier].digest, 0) > now:
                    yield earlier
                    break

    def _forget(self, now: float) -> None:
        for digest in [digest for digest, expiry in self._expiries.items() if expiry <= now]:
            del self._expiries[digest]


def _pieces(request: CountRequest) -> Iterator[_Piece]:
    parts: list[tuple[str, BaseModel, CacheControl | None]] = [("", tool, tool.cache_control) for tool in request.tools]
    parts += [("system", block, block.cache_control) for block in request.system]
    for message in request.messages:
        parts += [(message.role, block, block.cache_control) for block in message.content]
    digest = hashlib.sha256(request.model.encode())
    tokens = 0
    for place, (role, part, breakpoint_) in enumerate(parts, 1):
        text = part.model_dump_json(exclude={"cache_control"}, exclude_defaults=True)
        digest.update(role.encode() + text.encode())
        tokens += tokens_of(text)
        mark = request.cache_control if place == len(parts) and request.cache_control else breakpoint_
        yield _Piece(digest.digest(), tokens, (mark.ttl or "5m") if mark else None)
