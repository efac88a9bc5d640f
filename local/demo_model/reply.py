"""Renders a reply in the format of the Messages API: one JSON object, or a stream of events at a readable pace."""

from __future__ import annotations

import asyncio
import re
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from local.messages_api.binding import bound_signatures

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

    from local.demo_model.decision import Decision
    from local.demo_model.wire import MessagesRequest
    from local.messages_api.prompt_cache import InputUsage
    from local.messages_api.request import Body
    from shared.domain.models import JsonObject

CHARACTERS_PER_TOKEN = 4
"""An estimate."""
PIECE = 16
"""The number of characters of a call's input in one event."""
PING_EVERY = 60
"""The number of deltas between two pings."""
_WORD = re.compile(r"\s*\S+(?:\s+\|)?(?:\s+\Z)?")
"""Matches a word with the space before it, and a table's bar after it."""
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Create an identifier like those of the API."""
    return f"{prefix}_01" + "".join(secrets.choice(_ALPHABET) for _ in range(22))


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply: its blocks, its stop reason and its usage."""

    id: str
    model: str
    blocks: Sequence[JsonObject]
    stop_reason: str
    stop_sequence: str | None
    usage: InputUsage

    @property
    def output_tokens(self) -> int:
        """The estimated number of tokens of all blocks."""
        return max(1, sum(_cost(block) for block in self.blocks))

    def as_json(self) -> dict[str, object]:
        """Render the whole message."""
        return {
            **self._opening(),
            "content": list(self.blocks),
            "stop_reason": self.stop_reason,
            "stop_sequence": self.stop_sequence,
            "usage": self.usage.as_json(self.output_tokens),
        }

    def _opening(self) -> dict[str, object]:
        return {"id": self.id, "type": "message", "role": "assistant", "model": self.model}

    def events(self) -> Iterator[dict[str, object]]:
        """Render the events of a stream, without pings."""
        opening = {**self._opening(), "content": [], "stop_reason": None, "stop_sequence": None}
        yield {"type": "message_start", "message": {**opening, "usage": self.usage.as_json(1)}}
        for index, block in enumerate(self.blocks):
            yield from _block_events(index, block)
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence},
            "usage": {
                key: count
                for key, count in self.usage.as_json(self.output_tokens).items()
                if key not in {"service_tier", "cache_creation"}
            },
        }
        yield {"type": "message_stop"}


def compose(decision: Decision, request: MessagesRequest, body: Body, usage: InputUsage) -> Reply:
    """Turn a decision into a reply that respects the request's `max_tokens` and stop sequences.

    A thought is signed as the API signs it: bound to the request's body.
    """
    text, stop_sequence = _until(decision.text, request.stop_sequences)
    blocks: list[JsonObject] = []
    if decision.thought and request.shows_thinking:
        [signature] = bound_signatures(body, [decision.thought])
        blocks.append({"type": "thinking", "thinking": decision.thought, "signature": signature})
    blocks += [{"type": "text", "text": text}] if text.strip() else []
    calls = () if stop_sequence else decision.calls
    blocks += [
        {"type": "tool_use", "id": new_id("toolu"), "name": call.name, "input": dict(call.input)} for call in calls
    ]
    reason = "stop_sequence" if stop_sequence else "tool_use" if calls else "end_turn"
    kept = _within(blocks, request.max_tokens)
    if kept != blocks:
        reason, stop_sequence = "max_tokens", None
    return Reply(new_id("msg"), request.model, kept, reason, stop_sequence, usage)


async def stream(
    reply: Reply, seconds_per_word: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncGenerator[bytes, None]:
    """Stream a reply as server-sent events, one word or one piece of input at a time, with a `sleep` after each."""
    deltas = 0
    for event in reply.events():
        yield _frame(event)
        if event["type"] == "content_block_start" and event["index"] == 0:
            yield _frame({"type": "ping"})
        if event["type"] == "content_block_delta":
            deltas += 1
            if deltas % PING_EVERY == 0:
                yield _frame({"type": "ping"})
            await sleep(seconds_per_word)


def _frame(event: dict[str, object]) -> bytes:
    return f"event: {event['type']}\ndata: ".encode() + orjson.dumps(event) + b"\n\n"


def _block_events(index: int, block: JsonObject) -> Iterator[dict[str, object]]:
    if block["type"] == "text":
        empty: JsonObject = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": word} for word in _WORD.findall(str(block["text"]))]
    elif block["type"] == "thinking":
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": word} for word in _WORD.findall(str(block["thinking"]))]
        deltas.append({"type": "signature_delta", "signature": str(block["signature"])})
    else:
        empty = {**block, "input": {}}
        encoded = orjson.dumps(block["input"]).decode()
        pieces = ["", *(encoded[start : start + PIECE] for start in range(0, len(encoded), PIECE))]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _cost(block: JsonObject) -> int:
    """Estimate the tokens of a block."""
    content = block.get("text") or block.get("thinking") or orjson.dumps(block.get("input")).decode()
    return -(-len(str(content)) // CHARACTERS_PER_TOKEN)


def _until(text: str, stop_sequences: Sequence[str]) -> tuple[str, str | None]:
    found = [(text.find(sequence), sequence) for sequence in stop_sequences if sequence and sequence in text]
    if not found:
        return text, None
    place, sequence = min(found)
    return text[:place], sequence


def _within(blocks: list[JsonObject], max_tokens: int) -> list[JsonObject]:
    """Keep the blocks that fit; a text is cut, a call that does not fit is left out."""
    kept: list[JsonObject] = []
    left = max_tokens
    for block in blocks:
        if _cost(block) <= left:
            kept.append(block)
            left -= _cost(block)
            continue
        if block["type"] == "text" and left > 0:
            kept.append({"type": "text", "text": str(block["text"])[: left * CHARACTERS_PER_TOKEN]})
        break
    return kept
