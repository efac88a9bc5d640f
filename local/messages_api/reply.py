"""Renders a reply in the format of the Messages API: one JSON object, or a stream of events at a readable pace."""

from __future__ import annotations

import asyncio
import re
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from local.messages_api.binding import bound_signatures
from local.messages_api.stream import block_events, frame, message, message_end, message_start, stopped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from local.messages_api.parsed_request import MessagesRequest
    from local.messages_api.prompt_cache import InputUsage
    from local.messages_api.request import Body
    from shared.domain.models import JsonObject

_CHARACTERS_PER_TOKEN = 4
"""An estimate."""
_PIECE = 16
"""The number of characters of a call's input in one event."""
_PING_EVERY = 60
"""The number of deltas between two pings."""
_WORD = re.compile(r"\s*\S+(?:\s+\|)?(?:\s+\Z)?")
"""Matches a word with the space before it, and a table's bar after it."""
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Create an identifier like those of the API."""
    return f"{prefix}_01" + "".join(secrets.choice(_ALPHABET) for _ in range(22))


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    name: str
    input: Mapping[str, JsonValue]

    @property
    def key(self) -> tuple[str, bytes]:
        """A key that equal calls share."""
        return self.name, orjson.dumps(dict(self.input), option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a program replies: a text, the calls that follow it, and the thought before them for models that think."""

    text: str
    calls: Sequence[Call] = ()
    thought: str = ""


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
    def _told(self) -> dict[str, object]:
        return self.usage.as_json(max(1, sum(map(_cost, self.blocks))))

    def as_json(self) -> dict[str, Any]:
        """Render the whole message."""
        stop = stopped(self.stop_reason, self.stop_sequence)
        return message(self.id, self.model, list(self.blocks), self._told, stop)

    def events(self) -> Iterator[dict[str, Any]]:
        """Render the events of a stream."""
        yield message_start(self.id, self.model, self.usage.as_json(1))
        deltas = 0
        for index, block in enumerate(self.blocks):
            for event in block_events(index, *_opened(block)):
                yield event
                deltas += event["type"] == "content_block_delta"
                is_first = index == 0 and event["type"] == "content_block_start"
                if is_first or (event["type"] == "content_block_delta" and deltas % _PING_EVERY == 0):
                    yield {"type": "ping"}
        counts = {key: self._told[key] for key in (*self.usage.counts, "output_tokens")}
        yield from message_end(stopped(self.stop_reason, self.stop_sequence), counts)


def compose(decision: Decision, request: MessagesRequest, body: Body, usage: InputUsage) -> Reply:
    """Turn a decision into a reply that respects the request's `max_tokens` and stop sequences.

    A thought is signed as the API signs it: bound to the request's body.
    """
    found = [(decision.text.find(end), end) for end in request.stop_sequences if end and end in decision.text]
    place, stop_sequence = min(found, default=(len(decision.text), None))
    text, calls = decision.text[:place], () if stop_sequence else decision.calls
    blocks: list[JsonObject] = []
    if decision.thought and request.shows_thinking:
        [signature] = bound_signatures(body, [decision.thought])
        blocks.append({"type": "thinking", "thinking": decision.thought, "signature": signature})
    blocks += [{"type": "text", "text": text}] if text.strip() else []
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
    for event in reply.events():
        yield frame(event)
        if event["type"] == "content_block_delta":
            await sleep(seconds_per_word)


def _opened(block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    """Return a block as it begins, and the deltas that complete it."""
    kind = str(block["type"])
    if kind == "tool_use":
        encoded = orjson.dumps(block["input"]).decode()
        pieces = ["", *(encoded[start : start + _PIECE] for start in range(0, len(encoded), _PIECE))]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    deltas: list[JsonObject] = [{"type": f"{kind}_delta", kind: word} for word in _WORD.findall(str(block[kind]))]
    if kind == "thinking":
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return {key: value if key == "type" else "" for key, value in block.items()}, deltas


def _cost(block: JsonObject) -> int:
    """Estimate the tokens of a block."""
    content = block.get("text") or block.get("thinking") or orjson.dumps(block.get("input")).decode()
    return -(-len(str(content)) // _CHARACTERS_PER_TOKEN)


def _within(blocks: list[JsonObject], max_tokens: int) -> list[JsonObject]:
    """Keep the blocks that fit; a text is cut, a call that does not fit is left out."""
    kept: list[JsonObject] = []
    left = max_tokens
    for block in blocks:
        if _cost(block) > left:
            cut = str(block.get("text", ""))[: left * _CHARACTERS_PER_TOKEN]
            return [*kept, {"type": "text", "text": cut}] if cut else kept
        kept.append(block)
        left -= _cost(block)
    return kept
