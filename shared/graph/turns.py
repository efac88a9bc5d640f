"""The repository of turns: a turn is a question and its answer, written by the one process that holds the lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.errors import ApprovalClosed, ConversationBusy, ConversationLost
from shared.domain.replaced_questions import check_limit, replaced_by
from shared.graph import approvals, call_intents, contents, leases, mapping, search
from shared.graph import conversation_statements as statements
from shared.graph.admission import Priority
from shared.graph.begun_turns import beginning, begun_turn, with_replaced
from shared.graph.conversations import check_found
from shared.graph.known_messages import KnownMessages
from shared.graph.repeated_questions import AskedBefore, check_first_time
from shared.graph.user_limits import NO_LIMITS
from shared.graph.vertex_changes import changing, stored
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.approvals import UserDecision, Verdict
    from shared.domain.models import Additions, HistoryEdits, JsonObject, Lease, Message, StoredMessage
    from shared.graph.begun_turns import BegunTurn
    from shared.graph.connector import Graph, Rows
    from shared.graph.repeated_questions import AlreadyAsked
    from shared.graph.statements import BoundStatement
    from shared.graph.user_limits import LimitCheck


_DECISIONS = frozenset({"approve", "reject"})


@dataclass(frozen=True, slots=True)
class Ending:
    """The outcome of an answer as JSON text; it is stored with the question."""

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


class _Replacing(Exception):
    """Raised to roll back; not an error. The question replaces messages."""

    def __init__(self, messages: Sequence[StoredMessage]) -> None:
        super().__init__()
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Asking:
    """The circumstances of a question."""

    title: str
    """The title of the conversation if this is its first question."""
    replaces: UUID | None
    """The earlier question that this one replaces by name."""
    limit: int
    """The number of questions that a conversation takes."""
    verdict: Verdict = "replaced"
    """What the question means for an open approval."""
    limits: LimitCheck = NO_LIMITS
    """The check of the user's limits."""


class Turns:
    """The turns of all conversations.

    Every method raises GraphUnavailable if the database cannot be reached in time. The methods that store raise
    GraphConflict if another writer changed the same conversation.
    """

    def __init__(self, graph: Graph, now: Callable[[], datetime] = clock.now) -> None:
        """Take the graph and the clock by which approvals expire."""
        self.now = now
        self._graph = graph
        self._known = KnownMessages()

    async def begin(
        self, lease: Lease, email: str, question: Message, asking: Asking, also: Sequence[BoundStatement] = ()
    ) -> BegunTurn | AlreadyAsked:
        """Acquire the lease and store a question; store nothing if its key says that it was asked before.

        The messages that the question replaces are marked as superseded.

        The statements of `also` run in the same transaction, after the question is stored.

        Raises:
            ConversationNotFound: the user has no such conversation.
            ConversationBusy: another answer holds the lease.
            ConversationFull: the conversation has `limit` questions already.
            KeyReused: the question's key was used before with other content.
            AnswerRunning: the same question is being answered.
            NotReplaceable: the question names another one that it cannot replace.
            LimitReached: the user may ask no further question now.
        """
        replaced: Sequence[StoredMessage] = ()
        while True:
            try:
                return await self._begin(lease, email, question, asking, replaced, also)
            except AskedBefore as asked:
                return asked.answer
            except _Replacing as found:
                replaced = found.messages

    async def _begin(  # the parts of one transaction
        self,
        lease: Lease,
        email: str,
        question: Message,
        asking: Asking,
        replaced: Sequence[StoredMessage],
        also: Sequence[BoundStatement],
    ) -> BegunTurn:
        """Begin a turn whose question is known to replace some messages. The stored messages must show the same."""

        def check(results: list[Rows]) -> None:
            check_found(results)
            _, acquired, rows, parked, closed, *_ = results
            earlier = self._known.read(lease.conversation_id, rows)
            check_first_time(question, earlier, parked, is_lease_free=bool(acquired))
            if not acquired:
                raise ConversationBusy
            found = replaced_by(question, earlier, asking.replaces)
            if [each.id for each in found] != [each.id for each in replaced]:
                raise _Replacing(found)
            if not closed or asking.verdict not in _DECISIONS:
                check_limit(earlier, replaced, asking.limit)
            asking.limits.check(results)

        owned = statements.owned_by(email, lease.conversation_id)
        results = await self._graph.transaction(
            *beginning(owned, lease),
            approvals.closed(lease, email, asking.verdict, self.now()),
            call_intents.FIND.bind(**owned),
            *_superseded(owned, replaced),
            statements.SET_FIRST_TITLE.bind(**owned, **changing({"title": asking.title, "is_title_provisional": True})),
            *_append(owned, [question]),
            *asking.limits.statements(lease, email),
            check=check,
            last=lambda results: [*also, *call_intents.found(str(lease.conversation_id), results[5])],
        )
        return with_replaced(begun_turn(results, lease, self._earlier(lease, results)), replaced)

    async def resume(
        self, lease: Lease, email: str, approval_id: UUID, decision: tuple[UserDecision, str | None]
    ) -> BegunTurn:
        """Decide an approval and acquire the lease for the turn that goes on; store neither if one is not possible.

        Raises:
            ConversationNotFound: the user has no such conversation.
            ApprovalClosed: the user has no such approval, or it was decided before, or it has expired.
            ConversationBusy: another answer holds the lease.
        """

        def check(results: list[Rows]) -> None:
            check_found(results)
            if not results[4]:
                raise ApprovalClosed
            if not results[1]:
                raise ConversationBusy

        owned = statements.owned_by(email, lease.conversation_id)
        results = await self._graph.transaction(
            *beginning(owned, lease),
            approvals.decided(lease, email, approval_id, decision, self.now()),
            call_intents.FIND.bind(**owned),
            check=check,
            last=lambda results: call_intents.found(str(lease.conversation_id), results[5]),
        )
        return begun_turn(results, lease, self._earlier(lease, results), reason=decision[1])

    def _earlier(self, lease: Lease, results: list[Rows]) -> list[StoredMessage]:
        return self._known.read(lease.conversation_id, results[2])

    async def append(
        self,
        lease: Lease,
        email: str,
        messages: Sequence[Message],
        record: Record | None = None,
        also: Sequence[BoundStatement] = (),
    ) -> None:
        """Store messages after those of the conversation and a record, all or none, and renew the lease.

        The statements of `also` run in the same transaction, after the messages are stored.

        Raises:
            ConversationNotFound: the conversation has been deleted.
            ConversationLost: another answer holds the lease.
        """
        owned = statements.owned_by(email, lease.conversation_id)
        await self._graph.transaction(
            statements.LOCK.bind(**owned),
            leases.HOLD.bind(**leases.values_of(lease)),
            *_recorded(owned, record),
            *_append(owned, messages),
            check=_check_held,
            last=lambda _results: also,
            priority=Priority.STORING,
        )

    async def finish(
        self,
        lease: Lease,
        email: str,
        messages: Sequence[Message],
        ending: Ending,
        record: Record | None = None,
        also: Sequence[BoundStatement] = (),
    ) -> None:
        """Store the last messages of a turn, which may be none, its record and its outcome, and release the lease.

        Raises: as append.
        """
        owned = statements.owned_by(email, lease.conversation_id)
        await self._graph.transaction(
            statements.LOCK.bind(**owned),
            leases.RELEASE.bind(**leases.values_of(lease)),
            *_recorded(owned, record),
            *(_append(owned, messages) if messages else ()),
            _set_outcome(ending),
            check=_check_held,
            last=lambda _results: also,
            priority=Priority.STORING,
        )

    async def record(self, statements_: Sequence[BoundStatement]) -> None:
        """Run statements about an answer that cannot write to its conversation any more."""
        if statements_:
            await self._graph.transaction(*statements_)

    async def has_message(self, message_id: UUID) -> bool:
        """Return whether a message is stored; after a lost COMMIT reply this tells whether it took effect."""
        [rows] = await self._graph.read(statements.HAS_MESSAGE.bind(id=str(message_id)), priority=Priority.STORING)
        return bool(rows)


def _recorded(owned: dict[str, JsonValue], record: Record | None) -> list[BoundStatement]:
    if record is None:
        return []
    prefix = changing({"prefix": record.prefix, "edits": mapping.edits_text(record.edits)})
    return [
        *([contents.stored(record.contents)] if record.contents else []),
        statements.CHANGE.bind(**owned, **prefix),
        _change_message(record.question_id, additions=mapping.additions_text(record.additions)),
    ]


def _append(owned: dict[str, JsonValue], messages: Sequence[Message]) -> tuple[BoundStatement, BoundStatement]:
    conversation: JsonObject = {"conversation_id": owned["id"]}
    rows: list[JsonValue] = [stored(conversation | mapping.message_properties(each)) for each in messages]
    touch = changing({"updated_at": clock.now_text()})
    return statements.APPEND.bind(**owned, rows=rows), statements.CHANGE.bind(**owned, **touch)


def _set_outcome(ending: Ending) -> BoundStatement:
    return _change_message(ending.question_id, outcome=ending.outcome)


def _change_message(message_id: UUID, **properties: JsonValue) -> BoundStatement:
    return statements.CHANGE_MESSAGE.bind(id=str(message_id), **changing(properties))


def _check_held(results: list[Rows]) -> None:
    """Check that the conversation exists and that its lease, found by the second statement, is still held."""
    check_found(results)
    if not results[1]:
        raise ConversationLost


def _superseded(owned: dict[str, JsonValue], replaced: Sequence[StoredMessage]) -> list[BoundStatement]:
    if not replaced:
        return []
    mark = changing({"is_superseded": True})
    forgotten: list[JsonValue] = [str(message.id) for message in replaced]
    return [
        statements.SUPERSEDE.bind(**owned, **mark, sequence=replaced[0].sequence),
        search.FORGET_MESSAGES.bind(id=owned["id"], message_ids=forgotten),
    ]
