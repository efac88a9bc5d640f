"""Turns of conversations: each begins with a question and is written by one answer, which holds a lease."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from shared.domain.errors import (
    AnswerRunning,
    ConversationBusy,
    ConversationFull,
    ConversationLost,
    KeyReused,
)
from shared.graph import contents, leases, mapping
from shared.graph import conversation_statements as statements
from shared.graph.conversations import check_found, only_conversation
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.models import Additions, Conversation, HistoryEdits, JsonObject, Lease, Message, StoredMessage
    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import Bound


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """A turn that has begun: the conversation and the messages before the question."""

    conversation: Conversation
    earlier: list[StoredMessage]


@dataclass(frozen=True, slots=True)
class AlreadyAsked:
    """A question that came before with the same key: the stored answer and its outcome, None if that is unknown."""

    messages: list[StoredMessage]
    outcome: JsonObject | None


@dataclass(frozen=True, slots=True)
class Ending:
    """The outcome of an answer as JSON text, stored with a question that came with a key."""

    question_id: UUID
    outcome: str


@dataclass(frozen=True, slots=True)
class Record:
    """Facts about a running turn that are stored together with its next messages."""

    question_id: UUID
    additions: Additions
    prefix: str
    edits: HistoryEdits
    contents: Mapping[str, str]
    """New contents by their hashes."""


class _AskedBefore(Exception):
    """Raised to roll back; not an error."""

    def __init__(self, answer: AlreadyAsked) -> None:
        super().__init__()
        self.answer = answer


class Turns:
    """The turns of conversations, written by the holder of the conversation's lease."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def begin(self, lease: Lease, email: str, question: Message, *, limit: int) -> BegunTurn | AlreadyAsked:
        """Acquire the lease and store a question, unless its key says that it has been asked before.

        Raises:
            ConversationNotFound: there is no such conversation, or it is another user's.
            ConversationBusy: another answer holds the lease.
            ConversationFull: the conversation holds `limit` questions.
            KeyReused: the question's key came before with other content.
            AnswerRunning: the same question is being answered.
        """

        def check(results: list[Rows]) -> None:
            check_found(results)
            _, acquired, rows, *_ = results
            earlier = [mapping.message(properties) for (properties,) in rows]
            _check_new(question, earlier, is_free=bool(acquired))
            if not acquired:
                raise ConversationBusy
            if sum(map(_is_question, earlier)) >= limit:
                raise ConversationFull

        owned = _owned(lease, email)
        try:
            found, _, earlier, *_ = await self._graph.transaction(
                statements.LOCK.bind(**owned),
                leases.ACQUIRE.bind(**leases.values_of(lease)),
                statements.MESSAGES.bind(**owned),
                *_append(owned, [question]),
                check=check,
            )
        except _AskedBefore as asked:
            return asked.answer
        return BegunTurn(only_conversation(found), [mapping.message(properties) for (properties,) in earlier])

    async def append(self, lease: Lease, email: str, messages: Sequence[Message], record: Record | None = None) -> None:
        """Store messages behind the others together with a record, all or none.

        Raises:
            ConversationNotFound: the conversation has been removed meanwhile.
            ConversationLost: another answer holds the lease now.
        """
        owned = _owned(lease, email)
        await self._graph.transaction(
            statements.LOCK.bind(**owned),
            leases.HOLD.bind(**leases.values_of(lease)),
            *_recorded(owned, record),
            *_append(owned, messages),
            check=_check_held,
        )

    async def finish(
        self,
        lease: Lease,
        email: str,
        messages: Sequence[Message],
        ending: Ending | None,
        record: Record | None = None,
    ) -> None:
        """Store a turn's last messages, perhaps none, and its outcome, and give the lease back.

        Raises: as append.
        """
        owned = _owned(lease, email)
        await self._graph.transaction(
            statements.LOCK.bind(**owned),
            leases.RELEASE.bind(**leases.values_of(lease)),
            *_recorded(owned, record),
            *(_append(owned, messages) if messages else ()),
            *([_outcome(ending)] if ending else ()),
            check=_check_held,
        )

    async def has_message(self, message_id: UUID) -> bool:
        """Return whether a message is stored, for the time after a COMMIT whose reply was lost."""
        [rows] = await self._graph.read(statements.HAS_MESSAGE.bind(id=str(message_id)))
        return bool(rows)


def _owned(lease: Lease, email: str) -> dict[str, JsonValue]:
    return {"id": str(lease.conversation_id), "email": email}


def _recorded(owned: dict[str, JsonValue], record: Record | None) -> list[Bound]:
    if record is None:
        return []
    additions = mapping.additions_text(record.additions)
    return [
        *([contents.stored(record.contents)] if record.contents else []),
        statements.SET_PREFIX.bind(**owned, prefix=record.prefix, edits=mapping.edits_text(record.edits)),
        statements.SET_ADDITIONS.bind(id=str(record.question_id), additions=additions),
    ]


def _outcome(ending: Ending) -> Bound:
    return statements.SET_OUTCOME.bind(id=str(ending.question_id), outcome=ending.outcome)


def _append(owned: dict[str, JsonValue], messages: Sequence[Message]) -> tuple[Bound, Bound]:
    rows: list[JsonValue] = [{**mapping.message_properties(each), "offset": i} for i, each in enumerate(messages)]
    touch = statements.TOUCH.bind(**owned, updated_at=clock.text_of(clock.now()))
    return statements.APPEND.bind(**owned, rows=rows), touch


def _check_held(results: list[Rows]) -> None:
    check_found(results)
    if not results[1]:
        raise ConversationLost


def _is_question(message: StoredMessage) -> bool:
    return message.role == "user" and not message.tool_results


def _check_new(question: Message, earlier: Sequence[StoredMessage], *, is_free: bool) -> None:
    """Check that a question with a key is asked for the first time."""
    key = question.idempotency_key
    place = next((i for i, each in enumerate(earlier) if key and each.idempotency_key == key), None)
    if place is None:
        return
    asked = earlier[place]
    if asked.content != question.content:
        raise KeyReused
    if asked.outcome is None and not is_free:
        raise AnswerRunning
    following = takewhile(lambda each: not _is_question(each), earlier[place + 1 :])
    raise _AskedBefore(AlreadyAsked(list(following), asked.outcome))
