"""The steps of a scripted reply: content blocks, single frames, and places where the server waits or breaks off.

A step renders `Frame`s (bytes for the wire) and `Control`s (what the server does there).
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import uuid4

from local.messages_api.binding import signature_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes of the stream: one event, unless a test wants something else."""

    data: bytes


class Gate:
    """A place in a reply where the server waits until the test opens it."""

    def __init__(self) -> None:
        self._reached: Future[None] = Future()
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Let the stream go on; it may be opened before it is reached."""
        _settle(self._opened)

    async def reached(self, seconds: float = 30) -> None:
        """Wait until the server stands at the gate: all that comes before is written to the socket.

        Raises:
            TimeoutError: it did not come there in time.
        """
        await _settled(self._reached, seconds)

    async def pass_through(self) -> None:
        """Wait at the gate, in the server."""
        _settle(self._reached)
        await _settled(self._opened, None)


def _settle(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _settled(future: Future[None], seconds: float | None) -> None:
    """Wait for a future of another thread without cancelling it where the wait is cut short."""
    async with asyncio.timeout(seconds):
        await asyncio.shield(asyncio.wrap_future(future))


@dataclass(frozen=True, slots=True)
class Control:
    """Something the server does in the middle of a stream."""

    action: Literal["wait", "reset", "cut", "end"]
    gate: Gate = field(default_factory=Gate)


Part: TypeAlias = Frame | Control


def wait(gate: Gate) -> Control:
    """Wait until the test opens the gate."""
    return Control("wait", gate)


def stall() -> Control:
    """Say nothing more, with the connection open, until the client goes away or the server stops."""
    return Control("wait")


def reset() -> Control:
    """Reset the connection (RST): the client sees a read error."""
    return Control("reset")


def cut() -> Control:
    """Close the connection in the middle of the chunked body: the client sees a protocol error."""
    return Control("cut")


def end() -> Control:
    """End the body cleanly here, without the events that are still to come."""
    return Control("end")


def raw(data: bytes) -> Frame:
    """Write bytes as they are, a broken line for example."""
    return Frame(data)


def event(name: str, data: Json) -> Frame:
    """Make any event: an unknown one, say."""
    return Frame(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode())


def event_of(data: Json) -> Frame:
    """Make an event that has the name of its type."""
    return event(data["type"], data)


def ping() -> Frame:
    """Make the event that keeps the connection alive."""
    return Frame(b'event: ping\ndata: {"type": "ping"}\n\n')


@dataclass(frozen=True, slots=True)
class Failure:
    """The event `error`, after which the API says nothing more."""

    type: str
    message: str


def error(error_type: str = "overloaded_error", message: str = "Overloaded") -> Failure:
    """Fail in mid-stream."""
    return Failure(error_type, message)


@dataclass(frozen=True, slots=True)
class Block:
    """A content block: how it begins, the deltas (and controls) between, and how it looks when it is complete."""

    begin: Json
    deltas: tuple[Json | Control, ...]
    complete: Json

    @property
    def unsigned(self) -> str | None:
        """The text of a thinking block whose signature the server is to make; None of every other block."""
        text = str(self.complete.get("thinking"))
        return text if self.complete.get("signature") == signature_of(text) else None

    def signed(self, signature: str) -> Block:
        """Return a thinking block with another signature."""
        *others, _ = self.deltas
        last: Json = {"type": "signature_delta", "signature": signature}
        return Block(self.begin, (*others, last), {**self.complete, "signature": signature})

    def parts(self, index: int) -> Iterator[Part]:
        """Return the block's events."""
        yield event("content_block_start", {"type": "content_block_start", "index": index, "content_block": self.begin})
        for delta in self.deltas:
            if isinstance(delta, Control):
                yield delta
            else:
                yield event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
        yield event("content_block_stop", {"type": "content_block_stop", "index": index})


def text(*pieces: str | Control, chunks: int = 1) -> Block:
    """Say something: each piece is a delta (cut into `chunks`), with controls between where a test wants them."""
    whole = "".join(piece for piece in pieces if isinstance(piece, str))
    deltas = tuple(_deltas("text_delta", "text", pieces, chunks))
    return Block({"type": "text", "text": ""}, deltas, {"type": "text", "text": whole})


def thinking(*pieces: str | Control, signature: str | None = None, chunks: int = 1) -> Block:
    """Think; a signature that is not given is made by the server, bound to the request."""
    whole = "".join(piece for piece in pieces if isinstance(piece, str))
    signature = signature or signature_of(whole)
    deltas = (
        *_deltas("thinking_delta", "thinking", pieces, chunks),
        {"type": "signature_delta", "signature": signature},
    )
    complete = {"type": "thinking", "thinking": whole, "signature": signature}
    return Block({"type": "thinking", "thinking": "", "signature": ""}, deltas, complete)


def redacted_thinking(data: str = "EmwKAhgBEgyredacted") -> Block:
    """Think something that nobody may read."""
    block = {"type": "redacted_thinking", "data": data}
    return Block(block, (), block)


def tool(name: str, arguments: Json | str | None = None, *, call_id: str | None = None, chunks: int = 2) -> Block:
    """Call a tool of the request's; arguments given as text go out as they are, malformed or not."""
    return _call("tool_use", name, arguments, call_id or f"toolu_{uuid4().hex[:24]}", chunks)


def server_tool(name: str, arguments: Json | None = None, *, call_id: str | None = None, chunks: int = 2) -> Block:
    """Call a tool that runs at the API's side."""
    return _call("server_tool_use", name, arguments, call_id or f"srvtoolu_{uuid4().hex[:24]}", chunks)


def _call(kind: str, name: str, arguments: Json | str | None, call_id: str, chunks: int) -> Block:
    encoded = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    pieces = [] if arguments in (None, {}) else [encoded]
    deltas = ({"type": "input_json_delta", "partial_json": ""}, *_deltas(*_JSON, pieces, chunks))
    begin = {"type": kind, "id": call_id, "name": name, "input": {}}
    return Block(begin, deltas, begin | {"input": _parsed(encoded)})


_JSON = ("input_json_delta", "partial_json")


def _parsed(encoded: str) -> Json:
    try:
        value = json.loads(encoded)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def block(content: Json, *deltas: Json) -> Block:
    """Make any block, also one of an unknown type or with unknown deltas; it counts as complete as it begins."""
    return Block(content, deltas, content)


def _deltas(kind: str, name: str, pieces: Sequence[str | Control], chunks: int) -> Iterator[Json | Control]:
    for piece in pieces:
        if isinstance(piece, Control):
            yield piece
        else:
            yield from ({"type": kind, name: part} for part in _split(piece, chunks))


def _split(whole: str, chunks: int) -> list[str]:
    size = max(1, -(-len(whole) // chunks))
    return [whole[start : start + size] for start in range(0, len(whole), size)]


Step: TypeAlias = Block | Frame | Control | Failure
