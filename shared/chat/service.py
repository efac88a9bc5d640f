"""The chat service: it stores a question and returns its answer, or the stored answer of a repeated question."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

from shared.agent.answer import Answer
from shared.agent.idempotent_replay import ReplayedAnswer
from shared.agent.title import first_words
from shared.agent.typed_decision import typed_decision
from shared.chat.active_answers import STOP_SECONDS
from shared.chat.audit_records import AnswerFacts
from shared.chat.call_journal import CallJournal
from shared.chat.caller_watch import CallerWatch
from shared.chat.noted_feedback import NotedFeedback, note_feedback
from shared.chat.patience import Patience
from shared.chat.recording import NO_RECORDERS
from shared.chat.resumption import question_of, replaced_round, way_on
from shared.chat.round_gate import RoundGate
from shared.chat.transcript import ConversationTranscript, Writer
from shared.chat.turn_setup import Start
from shared.chat.usage_recorder import UsageRecorder
from shared.domain.errors import ApprovalClosed, ApprovalNotFound, ConversationBusy, GraphError, GraphUnavailable
from shared.domain.feedback import typed_rating
from shared.domain.models import Lease, Message
from shared.graph.repeated_questions import AlreadyAsked
from shared.graph.turns import Asking
from shared.graph.user_limits import LimitCheck
from shared.observability import logs
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from shared.chat.active_answers import ActiveAnswers
    from shared.chat.recording import Recorders
    from shared.chat.round_gate import Authorize
    from shared.chat.titles import Titles
    from shared.chat.turn_setup import TurnSetup
    from shared.domain.approvals import UserDecision, Verdict
    from shared.domain.errors import AssistantError
    from shared.domain.models import Caller
    from shared.domain.user_limits import UserLimits
    from shared.graph.begun_turns import BegunTurn
    from shared.graph.repositories import Repositories
    from shared.graph.statements import BoundStatement

RecordersOf: TypeAlias = "Callable[[Caller, Lease, Message], Recorders]"
"""Returns the recorders of the answer to a question."""

log = logging.getLogger(__name__)

_CLOSED = {
    "approve": "This has already been approved",
    "reject": "This has already been rejected",
    "replaced": "Another message was sent instead of a decision, so nothing was done",
    "expired": "The approval has expired, so nothing was done",
}
"""The details of the response to a decision that comes too late, by the verdict."""
_RETRY_SECONDS = 0.2
"""The pause before the next attempt to begin a turn in a busy conversation."""


class ChatService:
    """Answers questions; all requests of a process share it."""

    def __init__(  # noqa: PLR0913  # each part is built and passed once, by the assembly
        self,
        repositories: Repositories,
        answers: ActiveAnswers,
        setup: TurnSetup,
        titles: Titles,
        authorize: Authorize,
        *,
        max_questions: int,
        limits: UserLimits,
        keep: Callable[[], Awaitable[None]],
        recorders_of: RecordersOf = lambda _caller, _lease, _question: NO_RECORDERS,
    ) -> None:
        """Take the parts.

        `authorize` returns a caller with the rights of the moment. `keep` stores the fetched API document for the
        next start.
        """
        self._repositories = repositories
        self._answers = answers
        self._setup = setup
        self._titles = titles
        self._authorize = authorize
        self._watch = CallerWatch(authorize, repositories.principals)
        self._max_questions = max_questions
        self._limits = LimitCheck(limits)
        self._recorders_of = recorders_of
        self.keep = keep

    async def answer(
        self,
        caller: Caller,
        conversation_id: UUID,
        content: str,
        *,
        key: str | None = None,
        replaces: UUID | None = None,
    ) -> Answer | ReplayedAnswer | NotedFeedback:
        """Store a question and return its answer; generation starts when `run` is called.

        A message that is only a thumb rates the latest answer. It is no question, and the model is not asked.

        The answer to the previous question is stopped first. If the same question arrived before with the same key, the
        model is not asked again and the stored answer is returned. A question that names another one with `replaces`,
        or repeats the last one right after its answer, replaces that one and all that followed it.

        Raises:
            ConversationNotFound: there is no such conversation, or it is another user's.
            ConversationFull: the conversation has reached its maximum number of questions.
            ConversationBusy: the answer to the previous question did not end in time.
            AnswerRunning: the same question is being answered.
            KeyReused: the key was used before with another question.
            NotReplaceable: `replaces` names no current question of the conversation.
            TooManyStreams: this process runs the maximum number of answers.
            LimitReached: a limit of the user is reached.
            GraphUnavailable: the database cannot be reached.
        """
        if replaces is None and (rating := typed_rating(content)) is not None:
            return await note_feedback(self._repositories, conversation_id, caller.principal.subject, rating)
        question = _question(content, key)
        verdict = typed_decision(content) or "replaced"
        asking = Asking(first_words(content), replaces, self._max_questions, verdict, self._limits)
        lease = Lease(conversation_id, question.id)
        with self._answers.reserved_place(caller.principal.subject, conversation_id):
            recorders = self._recorders_of(caller, lease, question)
            turn = await self._begin(lease, caller, question, asking, recorders.of_question(question))
            if isinstance(turn, AlreadyAsked):
                return self._replayed(turn)
            return self._start(lease, caller, turn, question, recorders)

    async def decide(
        self, caller: Caller, conversation_id: UUID, approval_id: UUID, decision: UserDecision, reason: str | None
    ) -> Answer:
        """Decide an approval and return the answer that goes on from there.

        Raises:
            ConversationNotFound: there is no such conversation, or it is another user's.
            ApprovalNotFound: the conversation has no such approval.
            ApprovalClosed: the approval was decided before, or it has expired.
            ConversationBusy: another answer in this conversation is running.
            TooManyStreams: this process runs the maximum number of answers.
            LimitReached: the user has a fair share of this process's answers already.
            GraphUnavailable: the database cannot be reached.
        """
        lease = Lease(conversation_id, uuid4())
        email = caller.principal.subject
        with self._answers.reserved_place(email, conversation_id):
            try:
                turn = await self._repositories.turns.resume(lease, email, approval_id, (decision, reason))
            except ApprovalClosed:
                raise await self._closed(approval_id, conversation_id, email) from None
            except GraphUnavailable:
                self._answers.release_later(lease)
                raise
            return self._start(lease, caller, turn, None, self._recorders_of(caller, lease, question_of(turn)))

    async def warm_up(self) -> None:
        """Fetch the tools and the UI's URL patterns, which all turns share."""
        await self._setup.warm_up()

    async def aclose(self) -> None:
        """Close the connections of the model and the tools."""
        await self._setup.aclose()

    def _replayed(self, asked: AlreadyAsked) -> ReplayedAnswer:
        parked = asked.parked
        is_open = parked is not None and parked.is_open(self._repositories.turns.now())
        return ReplayedAnswer(asked.messages, asked.outcome, parked.required() if parked and is_open else None)

    async def _closed(self, approval_id: UUID, conversation_id: UUID, email: str) -> AssistantError:
        """Return the error for an approval that can no longer be decided."""
        found = await self._repositories.approvals.find(approval_id, conversation_id, email)
        return ApprovalNotFound() if found is None else ApprovalClosed(_CLOSED[found.verdict or "expired"])

    def _start(
        self, lease: Lease, caller: Caller, turn: BegunTurn, asked: Message | None, recorders: Recorders
    ) -> Answer:
        """Start the answer to a question, or the rest of an answer after a decision that asks nothing new."""
        question = asked or question_of(turn)
        logs.bind(model=turn.conversation.model)
        patience = Patience()
        journal = self._journal(lease, caller, question, patience)
        writer = Writer(lease, turn.conversation.user_email, patience)
        email = caller.principal.subject
        recorders = recorders.followed_by(UsageRecorder(email, turn.conversation.model), journal)
        start = Start(asked, way_on(turn, lease, goes_on=asked is None), replaced_round(turn, lease))
        answer = Answer(
            partial(self._setup.run, caller, turn, start, journal),
            ConversationTranscript(self._repositories.turns, self._setup.prefixes, writer, question, recorders),
            partial(self._titles.choose, turn, question),
            journal.result_of,
            self._answers.remove,
            partial(self._budget_notice, email),
        )
        self._answers.add(answer, email)
        self._watch.watch(answer, caller)
        return answer

    async def _budget_notice(self, user: str) -> str:
        """Return the sentence for a user who has used most of the tokens of the day; it is empty the second time."""
        limits = self._limits.limits
        if not limits.tokens_per_day:
            return ""
        try:
            tokens = await self._repositories.usage.tell(user, limits.told_tokens)
        except GraphError as error:
            log.warning("a budget could not be read: %s", type(error).__name__)
            return ""
        return "" if tokens is None else limits.notice(tokens)

    async def _check_not_carried_out(self, lease: Lease, verdict: Verdict) -> None:
        """Raise ApprovalClosed if a message approves what the running answer already carries out."""
        if verdict == "approve" and await self._repositories.approvals.is_carried_out(lease.conversation_id):
            raise ApprovalClosed(_CLOSED["approve"])

    def _journal(self, lease: Lease, caller: Caller, question: Message, patience: Patience) -> CallJournal:
        gate = RoundGate(self._repositories.fences, self._authorize, lease, patience)
        request_id = logs.bound().get("request_id")
        return CallJournal(gate, AnswerFacts(caller, lease.conversation_id, question.id, request_id))

    async def _begin(
        self, lease: Lease, caller: Caller, question: Message, asking: Asking, also: Sequence[BoundStatement]
    ) -> BegunTurn | AlreadyAsked:
        """Begin the turn as soon as the previous answer has ended.

        An answer that carries out an approval is not stopped by a second approval.
        """
        ends_at = time.monotonic() + STOP_SECONDS
        has_requested_stop = False
        while True:
            try:
                return await self._repositories.turns.begin(lease, caller.principal.subject, question, asking, also)
            except ConversationBusy:
                seconds_left = ends_at - time.monotonic()
                if seconds_left <= 0:
                    raise
                await self._check_not_carried_out(lease, asking.verdict)
            except GraphUnavailable:
                self._answers.release_later(lease)
                raise
            if await self._answers.stop(lease.conversation_id, seconds_left):
                continue
            if not has_requested_stop:
                has_requested_stop = await self._repositories.leases.request_stop(lease.conversation_id)
            await asyncio.sleep(_RETRY_SECONDS)


def _question(content: str, key: str | None) -> Message:
    return Message(id=uuid4(), role="user", content=content, created_at=clock.now(), idempotency_key=key, outcome={})
