"""The conversion of stored messages into the messages of a request.

One class makes the messages of every request, in the running turn and in later turns, so that later requests repeat
earlier ones unchanged. It takes the stored messages one after the other, and encodes each message to send once, as soon
as no later one can change it. The Messages API requires that the first message is a user's, that no content is empty,
and that every call has its result in the next message.
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from shared.agent.sent_blocks import (
    complete_searches,
    first_calls,
    is_resumable,
    own_blocks,
    result_blocks,
    with_results,
)
from shared.domain.content_blocks import encoded, objects_in, text_block
from shared.domain.models import NO_EDITS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from shared.domain.models import HistoryEdits, JsonObject, Message

_BLANK = "(an empty message)"


@dataclass(frozen=True, slots=True)
class _Turn:
    """Consecutive messages of one role, and the system message after them."""

    role: Literal["user", "assistant"]
    blocks: list[JsonObject]
    system: list[JsonObject] = field(default_factory=list)

    def followed_by(self, other: _Turn) -> _Turn:
        return _Turn(self.role, [*self.blocks, *other.blocks], [*self.system, *other.system])


@dataclass(slots=True)
class SentMessages:
    """The messages to send for the stored messages that were added so far.

    It has the edits of the conversation, and the tools that references may name.
    """

    edits: HistoryEdits = NO_EDITS
    tool_names: Container[str] = ()
    added: list[Message] = field(default_factory=list)
    encoded: list[bytes] = field(default_factory=list)
    """The JSON of the first messages to send, which no later message can change."""
    _messages: list[JsonObject] = field(default_factory=list)
    _call_ids: set[str] = field(default_factory=set)
    _unanswered: list[str] = field(default_factory=list)
    """The calls of the last one of these messages."""
    _joined: _Turn | None = None
    """The turn before the last one. It is open, because it is joined with the next turn if the last is left out."""
    _last: _Turn | None = None

    def copy(self) -> Self:
        """Return the same messages, to which others can be added."""
        return replace(
            self,
            added=[*self.added],
            encoded=[*self.encoded],
            _messages=[*self._messages],
            _call_ids={*self._call_ids},
        )

    def add(self, sequence: int, message: Message) -> None:
        """Add the next stored message of the conversation."""
        self.added.append(message)
        if sequence < self.edits.first:
            return
        for turn in self._turns_of(sequence, message):
            if self._last is not None and self._last.role == turn.role:
                self._last = self._last.followed_by(turn)
            elif turn.blocks:
                self._settle(turn)

    def messages(self) -> list[JsonObject]:
        """Return the messages to send, of which the first ones are those of `encoded`. The API accepts them."""
        return _ended([*self._messages, *self._open_messages()])

    @property
    def size(self) -> int:
        """The size of the messages as JSON, in bytes."""
        return sum(map(len, [*self.encoded, *map(encoded, self._open_messages())]))

    def call_ids(self) -> set[str]:
        """Return the ids of all calls."""
        return self._call_ids | {str(block["id"]) for turn in self._open_turns() for block in _calls(turn.blocks)}

    def _turns_of(self, sequence: int, message: Message) -> Iterator[_Turn]:
        blocks = own_blocks(sequence, message, self.edits)
        results = result_blocks(sequence, message, self.edits, self.tool_names)
        if message.role == "assistant":
            yield _Turn("assistant", blocks)
            # Another writer may have stored the results with the answer. They belong to the next message.
            yield _Turn("user", results)
        else:
            additions = message.additions
            context = [text_block(text) for text in additions.context] if additions else []
            # The question comes last, because the model answers the end of the message.
            yield _Turn("user", [*results, *context, *blocks], [*additions.system] if additions else [])

    def _settle(self, following: _Turn) -> None:
        """Begin the next turn. What comes before the last one cannot change any more."""
        turns = self._open_turns(may_be_pending=False)
        for turn in turns[:-1]:
            paired, self._unanswered = _paired(turn, self._unanswered, self._call_ids)
            self._call_ids.update(self._unanswered)
            for message in _rendered(paired, is_first=not self._messages):
                self._messages.append(message)
                self.encoded.append(encoded(message))
        self._joined, self._last = turns[-1] if turns else None, following

    def _open_turns(self, *, may_be_pending: bool = True) -> list[_Turn]:
        """Return the turns that can still change; at most one of each role."""
        joined, last = self._joined, self._last
        if last is not None and last.role == "assistant":
            blocks = complete_searches(last.blocks, self.tool_names, may_be_pending=may_be_pending)
            last = _Turn("assistant", blocks)
        # The turns around an empty one are joined, because a system message must not precede a user's message.
        if joined is not None and last is not None and joined.role == last.role:
            return [joined.followed_by(last)]
        return [turn for turn in (joined, last) if turn is not None and turn.blocks]

    def _open_messages(self) -> Iterator[JsonObject]:
        is_first, unanswered = not self._messages, self._unanswered
        for turn in self._open_turns():
            paired, unanswered = _paired(turn, unanswered, self._call_ids)
            for message in _rendered(paired, is_first=is_first):
                yield message
                is_first = False
        yield from _rendered(_Turn("user", with_results(unanswered, [])), is_first=is_first)


def messages_to_send(
    messages: Iterable[tuple[int, Message]], edits: HistoryEdits = NO_EDITS, tool_names: Container[str] = ()
) -> list[JsonObject]:
    """Return the messages for the model, from stored messages with their sequences; the API accepts every result."""
    sent = SentMessages(edits, tool_names)
    for sequence, message in messages:
        sent.add(sequence, message)
    return sent.messages()


def question_to_send(text: str) -> JsonObject:
    """Return a user's text as a message for the API."""
    return {"role": "user", "content": [text_block(text)]}


def _paired(turn: _Turn, unanswered: Sequence[str], call_ids: Container[str]) -> tuple[_Turn, list[str]]:
    """Return a turn with the results of the calls before it and without others, and the calls that it leaves."""
    if turn.role == "assistant":
        blocks, calls = first_calls(turn.blocks, call_ids)
        return _Turn("assistant", blocks), calls
    return _Turn("user", with_results(unanswered, turn.blocks), turn.system), []


def _rendered(turn: _Turn, *, is_first: bool) -> Iterator[JsonObject]:
    if turn.blocks:
        if is_first and turn.role != "user":
            yield question_to_send(_BLANK)
        yield {"role": turn.role, "content": [*turn.blocks]}
        if turn.system:
            yield {"role": "system", "content": [*turn.system]}


def _calls(blocks: Iterable[JsonObject]) -> Iterator[JsonObject]:
    return (block for block in blocks if block.get("type") == "tool_use")


def _ended(messages: list[JsonObject]) -> list[JsonObject]:
    """Add a blank user's message if there is none, or if the last message must be a user's and is not.

    An answer may be the last message if the API has paused work in it and resumes this work.
    """
    last = messages[-1] if messages else None
    if last is None or (last["role"] == "assistant" and not is_resumable(objects_in(last["content"]))):
        messages.append(question_to_send(_BLANK))
    return messages
