"""Messages that were read before: they are the same objects as long as their rows are the same."""

from __future__ import annotations

from uuid import uuid4

import pytest

from shared.graph import agtype, mapping
from shared.graph.known_messages import KnownMessages

pytestmark = pytest.mark.proves("turn.history")


def row(sequence: int, content: str) -> tuple[str]:
    properties = {"id": str(uuid4()), "role": "user", "content": content, "created_at": "2026-01-01T00:00:00+00:00"}
    return (agtype.render({**properties, "sequence": sequence}).decode(),)


def test_only_new_and_changed_messages_are_parsed() -> None:
    known, conversation = KnownMessages(), uuid4()
    rows = [row(number, f"Question {number}") for number in range(4)]
    first = known.read(conversation, [*rows[:3]])
    assert [each.content for each in first] == ["Question 0", "Question 1", "Question 2"]
    longer = known.read(conversation, [*rows])
    assert [a is b for a, b in zip(first, longer, strict=False)] == [True, True, True]
    changed = known.read(conversation, [rows[0], row(1, "Changed"), *rows[2:]])
    assert changed[0] is first[0]
    assert [each.content for each in changed] == ["Question 0", "Changed", "Question 2", "Question 3"]
    assert [each.content for each in known.read(conversation, [rows[0]])] == ["Question 0"]


def test_what_is_read_is_what_the_rows_say_in_whatever_order_conversations_come() -> None:
    known = KnownMessages(most_characters=500)
    conversations = {uuid4(): [row(number, "é" * number) for number in range(3)] for _ in range(4)}
    for conversation, rows in [*conversations.items(), *reversed(conversations.items())] * 2:
        expected = mapping.messages([(agtype.parse(text.encode()),) for (text,) in rows])
        assert known.read(conversation, [*rows]) == expected


def test_the_messages_of_old_conversations_are_forgotten() -> None:
    known, rows = KnownMessages(most_characters=500), [row(0, "x" * 300)]
    old, new = uuid4(), uuid4()
    [first] = known.read(old, [*rows])
    known.read(new, [*rows])
    [again] = known.read(old, [*rows])
    assert again == first
    assert again is not first
