"""The transcript of one answer: it stores messages in the graph while the answer holds the lease."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.agent.outcome import encode_outcome, with_outcome
from shared.chat.recording import NO_RECORDERS
from shared.domain.errors import ConversationLost, ConversationNotFound, GraphConflict, GraphError
from shared.domain.parked_rounds import APPROVAL_LIFETIME, ParkedRound
from shared.graph import approvals
from shared.graph.turns import Ending, Record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from shared.agent.outcome import Outcome
    from shared.chat.patience import Patience
    from shared.chat.prefixes import Prefixes
    from shared.chat.recording import Recorders
    from shared.domain.events import AnswerStored, ApprovalRequired, RoundParked, TurnPrepared
    from shared.domain.models import Lease, Message
    from shared.graph.statements import BoundStatement
    from shared.graph.turns import Turns

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Writer:
    """The one writer of a conversation: its lease, the conversation's user, and its patience with the database."""

    lease: Lease
    email: str
    patience: Patience


class ConversationTranscript:
    """A Transcript that survives short outages of the database."""

    def __init__(
        self,
        turns: Turns,
        prefixes: Prefixes,
        writer: Writer,
        question: Message,
        recorders: Recorders = NO_RECORDERS,
    ) -> None:
        self.lease = writer.lease
        self._turns = turns
        self._prefixes = prefixes
        self._prepared: TurnPrepared | None = None
        self._recorded: TurnPrepared | None = None
        self._email = writer.email
        self._question = question
        self._recorders = recorders
        self._patience = writer.patience

    @property
    def question_id(self) -> UUID:
        """The id of the message that is being answered."""
        return self._question.id

    def prepare(self, prepared: TurnPrepared) -> None:
        """Set the prefix, the question's additions and the edits to store with the next messages."""
        self._prepared = prepared
        self._recorders.prepare(prepared)

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages after the existing ones, all or none."""
        store = partial(self._turns.append, self.lease, self._email, messages)
        await self._store(messages, store, self._recorders.of_messages(messages))
        self._recorders.note_stored()

    async def park(self, parked: RoundParked, outcome: AnswerStored) -> ApprovalRequired:
        """Store a reply whose calls need an approval, and the approval. Release the lease, and return the event."""
        now = self._turns.now()
        waiting = ParkedRound(
            approval_id=uuid4(),
            question_id=self._question.id,
            message_id=parked.message.id,
            calls=parked.calls,
            review=parked.review,
            rounds_left=parked.rounds_left,
            expires_at=now + APPROVAL_LIFETIME,
        )
        added = approvals.added(waiting, self.lease.conversation_id, self._email, now)
        await self._finish([parked.message], outcome, [added])
        return waiting.required()

    async def finish(self, messages: Sequence[Message], outcome: Outcome) -> None:
        """Store the last messages (there may be none) and the outcome, and release the lease."""
        await self._finish(messages, outcome, [])

    async def _finish(self, messages: Sequence[Message], outcome: Outcome, added: list[BoundStatement]) -> None:
        ending = Ending(self._question.id, encode_outcome(outcome))
        messages = with_outcome(messages, outcome)
        store = partial(self._turns.finish, self.lease, self._email, messages, ending)
        try:
            await self._store(messages, store, self._recorders.of_end(messages, outcome), added)
        except (ConversationLost, ConversationNotFound):
            await self._turns.record(self._recorders.of_lost_end(outcome))
            raise

    async def _store(
        self,
        messages: Sequence[Message],
        store: Callable[..., Awaitable[None]],
        also: Sequence[BoundStatement],
        added: Sequence[BoundStatement] = (),
    ) -> None:
        """Store messages with the statements of `added`; those of `also` record them elsewhere."""
        prepared = self._prepared
        record = None if prepared is None or prepared == self._recorded else self._record(prepared)
        try:
            await self._with_retries(lambda: store(record=record, also=[*added, *also]), messages)
        except GraphError as error:
            if record is None or type(error) is not GraphError:
                raise
            # The messages are stored without the record of the turn, but never without what `also` records.
            log.exception("the record of a turn could not be stored")
            await self._with_retries(lambda: store(also=[*added, *also]), messages)
            record = None
        if record is not None:
            self._recorded = prepared
            self._prefixes.note_stored(record.prefix, record.contents)

    def _record(self, prepared: TurnPrepared) -> Record:
        key, contents = self._prefixes.encode(prepared.prefix)
        return Record(self._question.id, prepared.question, key, prepared.edits, contents)

    async def _with_retries(self, store: Callable[[], Awaitable[None]], messages: Sequence[Message]) -> None:
        async def attempt(number: int) -> None:
            try:
                await store()
            except (GraphConflict, ConversationLost):
                if not number or not await self._is_stored(messages):
                    raise

        await self._patience.run(attempt)

    async def _is_stored(self, messages: Sequence[Message]) -> bool:
        """Return whether an earlier attempt stored the messages although its reply was lost."""
        return not messages or await self._turns.has_message(messages[0].id)
