"""Every history, valid or not, becomes a request that the API accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.messages_api import problems
from shared.agent.sent_conversations import SentConversations
from shared.agent.sent_messages import SentMessages, messages_to_send
from shared.domain.content_blocks import encoded
from shared.domain.models import NO_EDITS, HistoryEdits, Message
from shared.util import clock
from tests.support.sample_requests import TOOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject

texts = st.sampled_from(["", " \n", "Hello", "ends in space "]) | st.text(max_size=5)
ids = st.sampled_from(["toolu_1", "toolu_2", "toolu_3", "a b", "", None, 7])
names = st.sampled_from(["list_projects", "a.b", "x" * 300, "", None])
json_values = st.none() | st.integers() | texts | st.lists(st.integers(), max_size=2)
inputs = st.dictionaries(st.sampled_from("ab"), json_values, max_size=2) | json_values
calls = st.fixed_dictionaries({}, optional={"id": ids, "name": names, "input": inputs, "type": st.just("tool_use")})
contents = st.one_of(
    json_values,
    st.lists(
        st.fixed_dictionaries({"type": st.just("text"), "text": texts})
        | st.just({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}})
        | st.just({"nothing": 1}),
        max_size=2,
    ),
)
results = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("tool_result"),
        "tool_use_id": ids,
        "content": contents,
        "is_error": st.booleans() | st.none(),
        "duration_ms": st.integers(),
    },
)
blocks = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.builds(lambda each: {**each, "type": "tool_use"}, calls),
    st.sampled_from(
        [
            {"type": "thinking", "thinking": "Hm", "signature": "theirs"},
            {"type": "thinking", "thinking": "Hm", "signature": ""},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "hologram"},
            {"text": "no type"},
        ]
    ),
)


def message_of(role: Any, content: str, **lists: Any) -> Message:
    given_lists: dict[str, Any] = {name: tuple(value) if value else None for name, value in lists.items()}
    return Message(id=uuid4(), role=role, content=content, created_at=clock.now(), **given_lists)


messages = st.builds(
    message_of,
    st.sampled_from(["user", "assistant"]),
    texts,
    tool_use=st.lists(calls, max_size=3),
    tool_results=st.lists(results, max_size=3),
    blocks=st.lists(blocks, max_size=3) | st.none(),
)


def objections(sent: Sequence[JsonObject]) -> list[str]:
    return problems({"model": "claude-sonnet-4-6", "max_tokens": 10, "messages": [*sent], "tools": [TOOL]})


@pytest.mark.proves("turn.old-rows", "turn.replayable")
@given(st.lists(messages, max_size=6))
@settings(max_examples=200, deadline=None)
def test_every_history_is_accepted(history: list[Message]) -> None:
    assert objections(messages_to_send(enumerate([*history, message_of("user", "And now?")]))) == []
    assert objections(messages_to_send(enumerate(history))) == []


@pytest.mark.proves("turn.old-rows", "append-only.messages")
@given(st.lists(messages, max_size=6))
@settings(max_examples=200, deadline=None)
def test_what_was_encoded_stays_and_a_copy_takes_other_messages(history: list[Message]) -> None:
    sent = SentMessages()
    for sequence, message in enumerate(history):
        before, fork = [*sent.encoded], sent.copy()
        fork.add(sequence, message_of("assistant", "Something else"))
        fork.add(sequence + 1, message_of("user", "And something else"))
        sent.add(sequence, message)
        assert sent.encoded[: len(before)] == before
        assert sent.messages() == messages_to_send(enumerate(history[: sequence + 1]))
        assert [json.loads(each) for each in sent.encoded] == sent.messages()[: len(sent.encoded)]


def history_of(count: int) -> list[tuple[int, Message]]:
    return [*enumerate(message_of("assistant" if n % 2 else "user", f"Message {n}") for n in range(count))]


@pytest.mark.proves("append-only.messages")
def test_a_conversation_goes_on_from_what_was_sent() -> None:
    conversations, conversation, stored = SentConversations(), uuid4(), history_of(9)
    first = conversations.begin(conversation, stored[:6], NO_EDITS, frozenset())
    encoded_first = [*first.encoded]
    first.add(6, message_of("user", "Not stored like this"))
    second = conversations.begin(conversation, stored, NO_EDITS, frozenset())
    assert second.messages() == messages_to_send(stored)
    assert all(a is b for a, b in zip(encoded_first, second.encoded, strict=False))
    assert len(encoded_first) > 3


@pytest.mark.proves("append-only.messages")
def test_a_conversation_that_changed_is_converted_again() -> None:
    conversations, conversation, stored = SentConversations(most_bytes=100), uuid4(), history_of(8)
    changed = [*stored[:3], (3, message_of("assistant", "Changed")), *stored[4:]]
    edits = HistoryEdits(first=2)
    for messages_, edits_ in ((stored, NO_EDITS), (changed, NO_EDITS), (stored[:5], NO_EDITS), (stored, edits)):
        conversations.begin(uuid4(), stored, NO_EDITS, frozenset())
        sent = conversations.begin(conversation, messages_, edits_, frozenset())
        assert sent.messages() == messages_to_send(messages_, edits_)
        assert conversations.begin(conversation, messages_, edits_, frozenset({"a"})).messages() == sent.messages()


@pytest.mark.proves("turn.old-rows")
def test_an_integer_of_any_size_is_sent() -> None:
    call = {"id": "toolu_1", "name": "echo", "input": {"n": 10**30}}
    sent = SentMessages()
    for sequence, message in enumerate([message_of("user", "Hi"), message_of("assistant", "", tool_use=[call])]):
        sent.add(sequence, message)
    assert b"10000000000000000000" in encoded(sent.messages()[1])


@pytest.mark.proves("turn.old-rows")
@given(st.lists(messages, max_size=6))
@settings(max_examples=200, deadline=None)
def test_what_people_said_is_never_left_out(history: list[Message]) -> None:
    sent = str(messages_to_send(enumerate(history)))
    for message in history:
        if message.role == "user" and message.content.strip():
            assert repr(message.content)[1:-1] in sent


@pytest.mark.proves("turn.history", "turn.thinking-kept")
def test_a_good_history_is_replayed_as_it_came() -> None:
    thought: JsonObject = {"type": "thinking", "thinking": "Hm", "signature": "theirs"}
    call: JsonObject = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "echo",
        "input": {"a": 1},
        "caller": {"type": "direct"},
    }
    result: JsonObject = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "a"}]}
    history = [
        message_of("user", "Hi"),
        message_of("assistant", "", tool_use=[{"id": "toolu_1", "name": "echo", "input": {}}], blocks=[thought, call]),
        message_of("user", "", tool_results=[result]),
        message_of("assistant", "Done."),
        message_of("user", "Thanks"),
    ]
    assert messages_to_send(enumerate(history)) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [thought, call]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": [{"type": "text", "text": "Done."}]},
        {"role": "user", "content": [{"type": "text", "text": "Thanks"}]},
    ]
