"""The Messages API's stream, from bytes to blocks."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.claude.frames import BrokenStream, FrameReader
from shared.claude.stream import ReplyReader, StreamedError
from shared.domain.events import BlockFinished, ReplyFinished, TextAdded, ToolInputAdded
from tests.support.model_reply import Envelope, reply
from tests.support.model_steps import Frame, block, event, ping, text, thinking, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.events import ModelEvent, Reply
    from shared.domain.models import JsonObject

SCRIPT = reply(
    thinking("Hm, ", "well"),
    text("Grüße ", "😀"),
    ping(),
    tool("echo", {"text": "é😀"}, call_id="toolu_1", chunks=5),
    event("weather", {"type": "weather"}),
    usage={"input_tokens": 3, "output_tokens": 7, "cache_read_input_tokens": 2},
)
STREAM = b"".join(
    part.data for part in Envelope("msg_1", "claude", {"input_tokens": 3}).parts(SCRIPT) if isinstance(part, Frame)
)


def read(*pieces: bytes) -> list[ModelEvent]:
    frames, reader = FrameReader(), ReplyReader()
    return [told for piece in pieces for frame in frames.read(piece) for told in reader.read(frame)]


def reply_of(events: Sequence[ModelEvent]) -> Reply:
    assert isinstance(events[-1], ReplyFinished)
    return events[-1].reply


@pytest.mark.proves("turn.thinking-kept", "turn.unknown-blocks", "messages.token-usage")
async def test_a_reply_is_put_together_from_its_events() -> None:
    finished = reply_of(read(STREAM))
    kinds = [each["type"] for each in finished.blocks]
    assert kinds == ["thinking", "text", "tool_use"]
    assert finished.blocks[0]["thinking"] == "Hm, well"
    assert finished.text == "Grüße 😀"
    assert [(call.id, call.name, call.input, call.problem) for call in finished.calls] == [
        ("toolu_1", "echo", {"text": "é😀"}, None)
    ]
    assert finished.stop_reason == "tool_use"
    assert (finished.usage.input_tokens, finished.usage.output_tokens) == (3, 7)
    assert finished.usage.cache_read_input_tokens == 2


@pytest.mark.proves("stream.text")
@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8), st.sampled_from([b"\n", b"\r\n"]))
@settings(max_examples=150, deadline=None)
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int], line_end: bytes) -> None:
    stream = STREAM.replace(b"\n", line_end)
    places = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert read(*pieces) == read(STREAM)


def started(index: Any = 0, **content: Any) -> bytes:
    return event("content_block_start", {"type": "content_block_start", "index": index, "content_block": content}).data


BROKEN = [
    b"data: nonsense\n\n",
    b"data: 7\n\n",
    b"data: " + b"[" * 100_000 + b"\n\n",
    b'data: {"type": "content_block_delta", "delta": {}}\n\n',
    b'data: {"type": "content_block_delta", "index": 4, "delta": {}}\n\n',
    b'data: {"type": "content_block_stop", "index": 4}\n\n',
    started("first", type="text"),
]


@pytest.mark.proves("turn.connection-lost")
@pytest.mark.parametrize("frame", BROKEN, ids=range(len(BROKEN)))
async def test_a_stream_that_is_not_the_apis_is_refused(frame: bytes) -> None:
    with pytest.raises(BrokenStream):
        read(frame)


@pytest.mark.proves("turn.connection-lost")
async def test_an_event_without_an_end_is_refused() -> None:
    with pytest.raises(BrokenStream):
        read(*[b"data: " + b"x" * 1_000_000] * 20)


@pytest.mark.proves("connections.model")
@pytest.mark.parametrize(
    ("event", "is_ending"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, True),
        ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, True),
        ({"type": "message_delta", "delta": {"stop_reason": None}}, False),
    ],
    ids=["error", "stop", "usage"],
)
def test_the_reader_knows_when_the_rest_of_a_stream_is_short(event: JsonObject, *, is_ending: bool) -> None:
    reader = ReplyReader()
    with suppress(StreamedError):
        list(reader.read(event))
    assert reader.is_ending is is_ending


@pytest.mark.proves("turn.error-in-stream")
async def test_an_error_event_is_raised_with_its_kind() -> None:
    failed = event("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    with pytest.raises(StreamedError) as raised:
        read(failed.data)
    assert raised.value.kind == "overloaded_error"


@pytest.mark.proves("turn.unknown-blocks")
@pytest.mark.parametrize(
    "odd",
    [
        b"\n\n",
        b": comment\n\n",
        b"event: x\n\n",
        b"data: {}\n\n",
        b'data: {"type": 7}\n\n',
        b'data: {"type": "message_start"}\n\n',
        b'data: {"type": "message_delta", "delta": null, "usage": [1]}\n\n',
        b'data: {"type": "content_block_delta",\ndata:  "index": 0, "delta": {"type": "news", "news": 1}}\n\n',
        b'id: 7\nretry: 1\ndata:{"type": "ping"}\n\n',
    ],
)
async def test_odd_events_are_passed_over(odd: bytes) -> None:
    first, rest = STREAM.split(b"event: content_block_delta", 1)
    assert read(first, odd, b"event: content_block_delta" + rest) == read(STREAM)


@pytest.mark.proves("turn.unknown-blocks")
async def test_unknown_blocks_are_kept_as_they_began() -> None:
    script = reply(block({"type": "hologram", "depth": 3}, {"type": "depth_delta", "depth": 4}), text("Hi"))
    parts = Envelope("msg_1", "claude", {}).parts(script)
    events = read(b"".join(part.data for part in parts if isinstance(part, Frame)))
    assert reply_of(events).blocks[0] == {"type": "hologram", "depth": 3}
    assert [told.text for told in events if isinstance(told, TextAdded)] == ["Hi"]


@pytest.mark.proves("turn.malformed-input")
@pytest.mark.parametrize(
    ("pieces", "is_good"),
    [(['{"a"', ": 1}"], True), ([], True), (["", " "], True), (["{"], False), (["[1]"], False), (["NaN"], False)],
)
async def test_input_is_read_once_it_is_whole(pieces: list[str], *, is_good: bool) -> None:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    called = block({"type": "tool_use", "id": "toolu_1", "name": "echo", "input": {}}, *deltas)
    parts = Envelope("msg_1", "claude", {}).parts(reply(called, stop="tool_use"))
    events = read(b"".join(part.data for part in parts if isinstance(part, Frame)))
    [call] = reply_of(events).calls
    assert (call.problem is None) == is_good
    assert call.input == (json.loads("".join(pieces)) if is_good and "".join(pieces).strip() else {})
    assert [told.partial_json for told in events if isinstance(told, ToolInputAdded)] == pieces


@pytest.mark.proves("graph.hostile-text")
async def test_half_a_surrogate_pair_is_replaced() -> None:
    delta = (
        b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a\\ud83d"}}\n\n'
    )
    stop = b'data: {"type": "content_block_stop", "index": 0}\n\n'
    events = read(started(type="text", text=""), delta, stop)
    assert events == [TextAdded("a"), TextAdded("\ufffd"), BlockFinished()]


@pytest.mark.proves("graph.hostile-text")
async def test_a_surrogate_pair_in_two_deltas_is_joined() -> None:
    halves = [
        b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "%b"}}\n\n' % half
        for half in (rb"a\ud83d", rb"\ude00b")
    ]
    events = read(started(type="text", text=""), *halves)
    assert events == [TextAdded("a"), TextAdded("\U0001f600b")]


@pytest.mark.proves("graph.hostile-text")
async def test_bytes_that_are_no_utf8_are_replaced() -> None:
    delta = (
        b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a\xff\xfeb"}}\n\n'
    )
    assert read(started(type="text", text=""), delta) == [TextAdded("a\ufffd\ufffdb")]
