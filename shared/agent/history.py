"""The history of a conversation: its messages with their edits, and the conversion of replies to stored messages."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from shared.agent.sent_messages import messages_to_send, plain_blocks
from shared.domain.call_details import CallDetails
from shared.domain.content_blocks import objects_in, text_of
from shared.domain.models import NO_EDITS, HistoryEdits, Message, StoredMessage
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from shared.domain.events import Reply, ToolResult
    from shared.domain.models import Additions, JsonObject, Usage


class History:
    """The messages of one conversation with the edits that apply to them."""

    def __init__(self, messages: Iterable[tuple[int, Message]], edits: HistoryEdits = NO_EDITS) -> None:
        self._messages = list(messages)
        self.edits = edits

    @classmethod
    def of(cls, earlier: Sequence[StoredMessage], question: Message | None, edits: HistoryEdits = NO_EDITS) -> Self:
        """Return the history of stored messages and a new question, if any, without the messages that were replaced."""
        current = [(message.sequence, message) for message in earlier if not message.is_superseded]
        if not any(sequence >= edits.first for sequence, _ in current):
            # The messages that this edit has kept were replaced. The others may fit again.
            edits = replace(edits, first=0)
        following = earlier[-1].sequence + 1 if earlier else 0
        return cls([*current, *([(following, question)] if question is not None else [])], edits)

    @property
    def last(self) -> int:
        """The sequence of the last message."""
        return self._messages[-1][0]

    @property
    def messages(self) -> list[tuple[int, Message]]:
        """All messages with their sequences."""
        return self._messages

    def question_before(self, sequence: int) -> Message:
        """Return the question that the messages before a sequence answer."""
        return next(
            message
            for number, message in reversed(self._messages)
            if number < sequence and message.role == "user" and not message.tool_results
        )

    @property
    def state(self) -> JsonObject:
        """The facts that the model already has, from the last message that contains any."""
        for _, message in reversed(self._messages):
            if message.additions is not None and message.additions.state is not None:
                return message.additions.state
        return {}

    def result_of(self, call_id: str) -> str | None:
        """Return the stored text of a call's result, even if it is no longer sent; None if there is no such result."""
        for _, message in reversed(self._messages):
            for block in message.tool_results or ():
                if block.get("tool_use_id") == call_id:
                    content = block.get("content")
                    return content if isinstance(content, str) else text_of(objects_in(content), "\n")
        return None

    def append(self, messages: Iterable[Message]) -> None:
        """Add messages at the end."""
        for message in messages:
            following = self._messages[-1][0] + 1 if self._messages else 0
            self._messages.append((following, message))

    def replace_last(self, message: Message) -> None:
        """Replace the last message, which must not have been sent yet."""
        self._messages[-1] = (self.last, message)

    def edit(self, edits: HistoryEdits) -> None:
        """Apply a further edit."""
        self.edits = self.edits | edits

    def with_edits(self, further: HistoryEdits) -> History:
        """Return the same messages with a further edit applied."""
        return History(self._messages, self.edits | further)

    def to_send(self, tool_names: Container[str] = ()) -> list[JsonObject]:
        """Return the messages for the model; `tool_names` are the tools that a reference may name."""
        return messages_to_send(self._messages, self.edits, tool_names)


def round_to_store(
    reply: Reply, results: Sequence[ToolResult], additions: Additions | None = None
) -> tuple[Message, ...]:
    """Return a reply and the results of all its calls as the messages to store."""
    answer = message_to_store(reply, reply.usage)
    if not results:
        return (answer,)
    return answer, results_to_store(results, additions)


def results_to_store(results: Sequence[ToolResult], additions: Additions | None = None) -> Message:
    """Return the results of a reply's calls as the message to store."""
    blocks = tuple(result.block() for result in results)
    return Message(
        id=uuid4(),
        role="user",
        content="",
        created_at=clock.now(),
        tool_results=blocks,
        additions=additions,
        call_details=tuple(
            CallDetails(result.call_id, result.duration_ms, result.receipt.shown() if result.receipt else None)
            for result in results
            if result.duration_ms is not None
        ),
        receipts=tuple(result.receipt for result in results if result.receipt is not None),
    )


def message_to_store(reply: Reply, usage: Usage) -> Message:
    """Return a reply as the message to store."""
    calls: tuple[JsonObject, ...] = tuple(
        {"id": call.id, "name": call.name, "input": call.input} for call in reply.calls
    )
    return Message(
        id=uuid4(),
        role="assistant",
        content=reply.text,
        created_at=clock.now(),
        tool_use=calls or None,
        token_usage=dict(asdict(usage)),
        blocks=None if _is_plain(reply, calls) else reply.blocks,
    )


def _is_plain(reply: Reply, calls: Sequence[JsonObject]) -> bool:
    """Return whether a reply's text and calls contain all information of its blocks."""
    blocks = [{name: value for name, value in block.items() if value is not None} for block in reply.blocks]
    plain = plain_blocks(reply.text, calls)
    return blocks in (plain, plain[1:])
