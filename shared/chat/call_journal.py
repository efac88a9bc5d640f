"""The journal of one answer's tool calls: intents before they are sent, audit rows with their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chat.audit_records import AnswerFacts, idempotency_key, record_of
from shared.chat.recording import AnswerRecorder
from shared.domain.calls import EndedCall, PlannedCall
from shared.domain.events import ToolResult
from shared.graph import audit, call_intents
from shared.graph.call_intents import Intent
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.chat.round_gate import RoundGate
    from shared.domain.calls import CallStatus, SkippedCall
    from shared.domain.events import ToolCall
    from shared.domain.models import Caller, JsonObject, Message
    from shared.graph.statements import BoundStatement

_NOT_RUN = "The answer was stopped before this call ran. It was not run."
_CUT = "The answer was stopped before this call ended. The result of the call is unknown."
_CUT_CHANGE = (
    "The answer was stopped while this call ran. It is not known whether the change was made."
    " Look at the present state before you try again."
)


class CallJournal(AnswerRecorder):
    """A Journal, and the AnswerRecorder of the same calls.

    An audit row is stored together with the result of its call. A call that was cut off gets its row with its error
    result, or from the next turn if its process was killed.
    """

    def __init__(self, gate: RoundGate, answer: AnswerFacts) -> None:
        self.has_told_cut_calls = False
        """Whether the question tells the model of the calls that a killed process left."""
        self._gate = gate
        self._answer = answer
        self._round = 0
        self._calls: dict[str, PlannedCall] = {}
        self._began_at: dict[str, str] = {}
        self._ended: dict[str, EndedCall] = {}
        self._has_intents = False
        self._replaced: list[str] = []
        self._first_message: UUID | None = None

    async def admit(self, caller: Caller, calls: Sequence[PlannedCall]) -> Caller:
        """Let a round's calls run: check the caller, hold the lease, and store an intent for each call.

        Raises:
            Unauthenticated: the caller's token is no longer valid.
            ConversationLost: another answer holds the conversation. No call may run.
            GraphUnavailable: the database was unavailable for too long. No call may run.
        """
        self._round += 1
        now = clock.now_text()
        self._calls |= {each.call.id: each for each in calls}
        self._has_intents = self._has_intents or bool(calls)
        return await self._gate.pass_round(caller, [self._intent(each, now) for each in calls])

    async def check(self) -> None:
        """Check that the answer still holds its conversation, directly before a call is sent.

        Raises: as admit.
        """
        await self._gate.pass_call()

    def begin(self, planned: PlannedCall) -> str | None:
        """Note that a call begins; return its idempotency key if it may change something."""
        self._calls[planned.call.id] = planned
        self._began_at[planned.call.id] = clock.now_text()
        return idempotency_key(self._answer, self._round, planned.call) if planned.may_change else None

    def end(self, result: ToolResult, duration_ms: int, *, is_uncertain: bool) -> None:
        """Note the result of a call; it is uncertain if the call was sent and had no complete answer."""
        planned = self._calls.get(result.call_id)
        has_run = result.call_id in self._began_at
        status: CallStatus = "ok"
        if result.is_error:
            is_unknown = is_uncertain and planned is not None and planned.may_change
            status = "not_run" if not has_run else "unknown" if is_unknown else "error"
        self._ended[result.call_id] = EndedCall(result, status, duration_ms)

    def skip(self, planned: PlannedCall, skipped: SkippedCall) -> None:
        """Note that a call does not run. Its row is stored with its result, or with the answer's first messages."""
        self._calls[planned.call.id] = planned
        self._ended[planned.call.id] = EndedCall(skipped.result, skipped.status, 0)
        if not skipped.has_result_message:
            self._replaced.append(planned.call.id)

    def result_of(self, call: ToolCall) -> ToolResult:
        """Return the result of a call; if it has none, an error result that says what is known."""
        self._calls.setdefault(call.id, PlannedCall(call, None))
        ended = self._ended.get(call.id)
        if ended is not None:
            return ended.result
        if call.id not in self._began_at:
            return ToolResult(call.id, _NOT_RUN, is_error=True)
        return ToolResult(call.id, _CUT_CHANGE if self._calls[call.id].may_change else _CUT, is_error=True)

    def of_messages(self, messages: Sequence[Message]) -> list[BoundStatement]:
        """Return the statements that remove the intents and append the audit rows of the messages' results."""
        ids = [str(result.get("tool_use_id")) for message in messages for result in message.tool_results or ()]
        records = [self._record(self._calls[call_id]) for call_id in ids if call_id in self._calls]
        closed = self._closed(has_results=bool(records))
        return [*closed, *audit.appended([*self._replaced_records(messages), *records])]

    def _replaced_records(self, messages: Sequence[Message]) -> list[JsonObject]:
        """Return the records of calls whose results are nowhere, for the first messages that the answer stores."""
        if not messages:
            return []
        self._first_message = self._first_message or messages[0].id
        is_first = messages[0].id == self._first_message
        return [self._record(self._calls[call_id]) for call_id in self._replaced] if is_first else []

    def _closed(self, *, has_results: bool) -> list[BoundStatement]:
        if not ((self._has_intents and has_results) or self.has_told_cut_calls):
            return []
        answer = self._answer
        question_id = str(answer.question_id) if has_results else ""
        return [call_intents.closed(str(answer.conversation_id), question_id, has_told=self.has_told_cut_calls)]

    def _intent(self, planned: PlannedCall, now: str) -> Intent:
        """Return the intent of a call; its record counts if the process is killed before the result is stored."""
        status: CallStatus = "unknown" if planned.call.problem is None else "not_run"
        return Intent(str(self._answer.question_id), planned.call.id, record_of(self._answer, planned, now, status))

    def _record(self, planned: PlannedCall) -> JsonObject:
        call_id = planned.call.id
        at = self._began_at.get(call_id)
        ended = self._ended.get(call_id)
        if ended is not None:
            return record_of(self._answer, planned, at or clock.now_text(), ended.status, ended.duration_ms)
        return record_of(self._answer, planned, at or clock.now_text(), "unknown" if at else "not_run")
