"""Both event streams, ours and the model's, are read correctly with any content and cut into any pieces."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.claude.frames import BrokenStream, FrameReader
from shared.claude.stream import ReplyReader, StreamedError
from shared.domain.events import (
    AnswerFailed,
    AnswerStored,
    BlockFinished,
    ClientActionRequested,
    ReplyFinished,
    TextAdded,
    TitleChosen,
    ToolCallBegun,
    ToolFinished,
    ToolInputAdded,
    ToolStarted,
)
from shared.domain.models import Usage
from shared.http.sse import frame
from tests.support.model_reply import Envelope, reply
from tests.support.model_steps import Frame, text, thinking, tool
from tests.support.sse import EventReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.events import AnswerEvent, ModelEvent

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["\n\n", "\r\n", "event: done\ndata: {}\n\n", "\u2028\u2029\x85\0", ": ping", "😀", '"\\']
)
identities = texts.filter(bool)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
events: st.SearchStrategy[AnswerEvent] = st.one_of(
    st.builds(TextAdded, texts),
    st.builds(ToolCallBegun, identities, identities),
    st.builds(ToolInputAdded, texts),
    st.just(BlockFinished()),
    st.builds(ToolStarted, identities, identities),
    st.builds(ToolFinished, identities, identities, st.booleans(), st.integers(0, 10**9)),
    st.builds(ClientActionRequested, identities, identities, st.dictionaries(texts, json_values, max_size=3)),
)
ends: st.SearchStrategy[Sequence[AnswerEvent]] = st.one_of(
    st.builds(AnswerFailed, texts, texts, st.booleans()).map(lambda end: [end]),
    st.builds(AnswerStored, st.just(uuid4()), st.builds(Usage, st.integers(0, 10**9)), texts).map(lambda end: [end]),
    st.tuples(st.builds(AnswerStored, st.just(uuid4()), st.just(Usage()), texts), st.builds(TitleChosen, texts)),
)


def cut(whole: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut bytes at places, which may repeat and lie outside."""
    edges = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
    return [whole[start:end] for start, end in pairwise(edges)]


@pytest.mark.proves("stream.lines", "stream.one-terminal-event")
@settings(deadline=None, max_examples=200)
@given(st.lists(events, max_size=8), ends, st.lists(st.integers(0, 10_000), max_size=8))
def test_every_event_arrives_as_it_was(said: list[AnswerEvent], end: Sequence[AnswerEvent], places: list[int]) -> None:
    whole = b"".join(frame(event) for event in [*said, *end])
    assert b"\r" not in whole
    reader = EventReader()
    for piece in cut(whole, places):
        reader.feed(piece)
    reader.finish(checks_ui=False)
    assert len(reader.events) == len(said) + len(end)
    for told, event in zip(reader.events, said, strict=False):
        match event:
            case TextAdded(text=expected):
                assert told.data == {"text": expected}
            case ToolInputAdded(partial_json=expected):
                assert told.data == {"partial_json": expected}
            case ClientActionRequested(params=expected):
                assert told.data["params"] == expected
            case _:
                assert told.data is not None


blocks = st.lists(
    st.one_of(
        st.lists(texts.filter(bool), min_size=1, max_size=4).map(lambda pieces: text(*pieces)),
        st.lists(texts.filter(bool), min_size=1, max_size=3).map(lambda pieces: thinking(*pieces)),
        st.dictionaries(texts, json_values, max_size=3).map(lambda given: tool("echo", given)),
    ),
    max_size=4,
)


def read(pieces: Sequence[bytes]) -> list[ModelEvent]:
    """Read a model's stream to its end."""

    frames, reader = FrameReader(), ReplyReader()
    return [told for piece in pieces for frame in frames.read(piece) for told in reader.read(frame)]


@pytest.mark.proves("faults.framing", "turn.thinking-kept")
@settings(deadline=None, max_examples=200)
@given(blocks, st.lists(st.integers(0, 100_000), max_size=8), st.booleans())
def test_a_reply_is_read_as_it_was_however_it_is_cut(said: list[Any], places: list[int], has_crlf: bool) -> None:  # noqa: FBT001  # hypothesis passes by position
    parts = Envelope("msg_1", "claude", {"input_tokens": 3}).parts(reply(*said))
    whole = b"".join(part.data for part in parts if isinstance(part, Frame))
    if has_crlf:
        whole = whole.replace(b"\n", b"\r\n")
    *_, finished = read(cut(whole, places))
    assert isinstance(finished, ReplyFinished)
    assert list(finished.reply.blocks) == [step.complete for step in said]
    assert finished.reply.usage.input_tokens == 3


@pytest.mark.proves("faults.framing")
@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.binary(max_size=30)
        | json_values.map(lambda value: b"data: " + orjson.dumps(value) + b"\n\n")
        | st.builds(
            lambda kind, rest: b"data: " + orjson.dumps({**rest, "type": kind}) + b"\n\n",
            st.sampled_from(
                [
                    "message_start",
                    "content_block_start",
                    "content_block_delta",
                    "content_block_stop",
                    "message_delta",
                    "error",
                ]
            ),
            st.dictionaries(
                st.sampled_from(["index", "delta", "content_block", "message", "usage", "error"]),
                json_values | st.dictionaries(st.sampled_from(["type", "text", "input", "id", "usage"]), json_values),
            ),
        ),
        max_size=6,
    )
)
def test_nonsense_is_a_broken_stream_and_nothing_else(pieces: list[bytes]) -> None:
    try:
        read(pieces)
    except (BrokenStream, StreamedError):
        return
