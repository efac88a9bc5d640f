"""Runs cases: each one is a conversation of its own with the service, which asks before every change."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from local.chat.client import ChatError
from local.chat.events import AnswerDone, AnswerFailed
from local.eval.answers import GivenAnswer
from local.eval.expectations import problems
from local.eval.results import CaseResult, judged
from shared.domain.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from local.chat.client import ServiceClient
    from local.chat.events import Conversation
    from local.eval.cases import Case, CaseFile

_MORE_ATTEMPTS: Final = 3
_LONGEST_PAUSE: Final = 60.0
"""Seconds; a service that asks for a longer pause is not waited for."""
_DELETION_SECONDS: Final = 20.0
_EXPECTS_NOTHING: Final = "The case expects nothing. Add tools, facts or links to it."
_TOO_OLD: Final = (
    "The service does not know conversations that ask before every change, so its tools could change something."
    " Nothing was asked. Update the service."
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How cases are run."""

    jobs: int
    """The number of cases that run at the same time."""
    seconds: float
    """The longest wait for one answer."""
    keeps: bool
    """Whether the conversations stay."""


class Runner:
    """Runs the cases of a file with the models."""

    def __init__(
        self, client: ServiceClient, file: CaseFile, options: RunOptions, report: Callable[[CaseResult], None]
    ) -> None:
        """Take the parts; `report` is called with each result as soon as there is one."""
        self.undeleted: list[UUID] = []
        """The conversations that could not be deleted."""
        self._client = client
        self._file = file
        self._options = options
        self._report = report
        self._places = asyncio.Semaphore(options.jobs)

    async def results(self, models: Sequence[str | None]) -> list[list[CaseResult]]:
        """Run all cases with all models; return the results by case and model. None is the service's own model.

        Raises:
            ChatError: the service cannot be reached, or does not accept the token.
            StartupError: the service cannot promise that nothing is changed.
        """
        await self._check_service()
        async with asyncio.TaskGroup() as group:
            tasks = [[group.create_task(self._result(case, model)) for model in models] for case in self._file.case]
        return [[task.result() for task in row] for row in tasks]

    async def _check_service(self) -> None:
        conversation = await self._create(None)
        await self._delete(conversation)
        if not conversation.asks_before_changes:
            raise StartupError(_TOO_OLD)

    async def _result(self, case: Case, model: str | None) -> CaseResult:
        async with self._places:
            conversation: Conversation | None = None
            try:
                conversation = await self._create(model)
                result = await self._asked(case, conversation)
            except ChatError as error:
                result = CaseResult(case=case.name, model=model or "", problems=(str(error),))
            finally:
                if conversation is not None and not self._options.keeps:
                    await self._delete(conversation)
        self._report(result)
        return result

    async def _create(self, model: str | None) -> Conversation:
        options = {} if model is None else {"model": model}
        try:
            async with asyncio.timeout(self._options.seconds):
                return await self._client.create(**options, asks_before_changes=True)
        except TimeoutError as error:
            raise ChatError("The service did not create a conversation in time.") from error

    async def _asked(self, case: Case, conversation: Conversation) -> CaseResult:
        if not conversation.asks_before_changes:
            return CaseResult(case=case.name, model=conversation.model, problems=(_TOO_OLD,))
        answers: list[GivenAnswer] = []
        found = [] if any(turn.expects_anything for turn in case.turns) else [_EXPECTS_NOTHING]
        for number, turn in enumerate(case.turns, start=1):
            answer = await self._answer(conversation.id, turn.question)
            answers.append(answer)
            where = f"Turn {number}: " if case.turn else ""
            found += [f"{where}{problem}" for problem in problems(turn, answer)]
            if answer.failure is not None:
                break
        result = judged(self._file, case, conversation.model, answers, found)
        return replace(result, conversation_id=conversation.id) if self._options.keeps else result

    async def _answer(self, conversation_id: UUID, question: str) -> GivenAnswer:
        """Ask a question. A service that is busy, or limits its users, is asked again after the pause that it names."""
        answer, pause = await self._attempt(conversation_id, question)
        for _ in range(_MORE_ATTEMPTS):
            if pause is None or pause > _LONGEST_PAUSE:
                break
            await asyncio.sleep(pause)
            answer, pause = await self._attempt(conversation_id, question)
        return answer

    async def _attempt(self, conversation_id: UUID, question: str) -> tuple[GivenAnswer, float | None]:
        """Ask a question once; also return the seconds after which it may be asked again, if it was refused."""
        answer, pause = GivenAnswer(), None
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._options.seconds):
                await self._follow(answer, conversation_id, question)
        except TimeoutError:
            answer.failure = f"There was no complete answer within {self._options.seconds:g} s."
        except ChatError as error:
            answer.failure, pause = str(error), error.retry_after
        answer.seconds = time.monotonic() - began
        return answer, pause

    async def _follow(self, answer: GivenAnswer, conversation_id: UUID, question: str) -> None:
        has_ended = False
        async with aclosing(self._client.answer(conversation_id, question)) as events:
            async for event in events:
                answer.take(event)
                has_ended = has_ended or isinstance(event, AnswerDone | AnswerFailed)
        if not has_ended:
            answer.failure = "The connection ended before the answer was complete."

    async def _delete(self, conversation: Conversation) -> None:
        """Delete a conversation, also if the run is interrupted meanwhile."""
        deletion = asyncio.ensure_future(self._deleted(conversation))
        try:
            await asyncio.shield(deletion)
        except asyncio.CancelledError:
            await deletion
            raise

    async def _deleted(self, conversation: Conversation) -> None:
        try:
            async with asyncio.timeout(_DELETION_SECONDS):
                await self._client.delete(conversation.id)
        except (ChatError, TimeoutError):
            self.undeleted.append(conversation.id)
