"""What the scripted model says: replies built of steps, in the wire format of the Messages API.

A reply is made by `reply(...)` of block steps and control steps; `tests.support.model_server` shows an example.
Every step gives `Frame`s (bytes for the wire) and `Control`s (what the server is to do there).
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import uuid4

from local.messages_api.thinking import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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

    async def reached(self, seconds: float = 10) -> None:
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

    def parts(self, index: int) -> Iterator[Part]:
        """Give the block's events."""
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
    """Think; a signature that is not given is made from the thought, so that the rules find a changed one."""
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


@dataclass(frozen=True, slots=True)
class HttpError:
    """An answer that is no reply: the API refused or failed before the stream."""

    status: int
    type: str
    message: str
    headers: Mapping[str, str]


def http_error(
    status: int, error_type: str = "api_error", message: str = "Internal server error", **headers: str
) -> HttpError:
    """Fail before the stream; `retry_after="3"` becomes the header retry-after.

    The SDK tries again where the status allows it: script as many errors as it has tries. It is told to wait a
    millisecond, unless a header says something else or `x_should_retry="false"` keeps it from it.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    patience = {} if "retry-after" in named else {"retry-after-ms": "1"}
    return HttpError(status, error_type, message, patience | named)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model: its steps, why it stops, and what it says that it cost."""

    steps: tuple[Step, ...]
    stop_reason: str | None = None
    stop_details: Json | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    at: Mapping[int, Part | Failure] = field(default_factory=dict)
    is_empty: bool = False
    first_byte: Gate | None = None

    @property
    def blocks(self) -> list[Json]:
        """The complete content blocks, as a reply that is not streamed has them."""
        return [step.complete for step in self.steps if isinstance(step, Block)]

    @property
    def stop(self) -> str:
        """The stop reason: as given, else by whether a tool is called."""
        calls = any(content["type"] == "tool_use" for content in self.blocks)
        return self.stop_reason or ("tool_use" if calls else "end_turn")

    @property
    def output_tokens(self) -> int:
        """The tokens of the reply: four bytes are one, roughly."""
        return max(1, len(json.dumps(self.blocks, ensure_ascii=False).encode()) // 4)


def reply(
    *steps: Step,
    stop: str | None = None,
    stop_details: Json | None = None,
    usage: Mapping[str, int] | None = None,
    at: Mapping[int, Part | Failure] | None = None,
    first_byte: Gate | None = None,
) -> Reply:
    """Script a reply.

    `at` puts something before the event with that index (0 is message_start; pings count): `at={3: reset()}`.
    `first_byte` is a gate before anything is answered at all, status line included.
    """
    return Reply(steps, stop, stop_details, usage or {}, at or {}, first_byte=first_byte)


def empty() -> Reply:
    """Answer 200 with the stream's headers and nothing else."""
    return Reply((), is_empty=True)


Answer: TypeAlias = Reply | HttpError
Script: TypeAlias = "Answer | Callable[[Json], Answer]"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the API adds to a reply: its id, the model's name, and the tokens that went in."""

    id: str
    model: str
    input_usage: Mapping[str, int]

    def message(self, answer: Reply) -> Json:
        """Render the whole message, for a request that does not stream."""
        usage = {**self.input_usage, "output_tokens": answer.output_tokens, "service_tier": "standard", **answer.usage}
        return self._message(answer.blocks, usage) | _stop(answer)

    def parts(self, answer: Reply) -> Iterator[Part]:
        """Give the stream in the order of the wire, with what `at` puts between its events."""
        index = 0
        for part in self._plain_parts(answer):
            if isinstance(part, Frame):
                if index in answer.at:
                    yield from _spelled(answer.at[index])
                index += 1
            yield part

    def _plain_parts(self, answer: Reply) -> Iterator[Part]:
        if answer.is_empty:
            return
        usage = {**self.input_usage, "output_tokens": 1, "service_tier": "standard"}
        usage |= {name: count for name, count in answer.usage.items() if name != "output_tokens"}
        yield event("message_start", {"type": "message_start", "message": self._message([], usage)})
        index = 0
        for step in answer.steps:
            if isinstance(step, Block):
                yield from _with_first_ping(step.parts(index), is_first=index == 0)
                index += 1
            else:
                yield from _spelled(step)
        usage = {**self.input_usage, "output_tokens": answer.output_tokens, **answer.usage}
        yield event("message_delta", {"type": "message_delta", "delta": _stop(answer), "usage": usage})
        yield event("message_stop", {"type": "message_stop"})

    def _message(self, content: list[Json], usage: Mapping[str, object]) -> Json:
        return {
            "model": self.model,
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }


def _stop(answer: Reply) -> Json:
    details = {"stop_details": answer.stop_details} if answer.stop_details else {}
    return {"stop_reason": answer.stop, "stop_sequence": None, **details}


def _with_first_ping(parts: Iterator[Part], *, is_first: bool) -> Iterator[Part]:
    """Put a ping behind the start of the first block, where the API sends one."""
    for number, part in enumerate(parts):
        yield part
        if is_first and number == 0:
            yield ping()


def _spelled(step: Part | Failure) -> Iterator[Part]:
    if isinstance(step, Failure):
        yield event("error", {"type": "error", "error": {"type": step.type, "message": step.message}})
        yield end()
    else:
        yield step
