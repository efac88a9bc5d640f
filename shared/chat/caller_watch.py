"""The watch over the callers of running answers: an answer ends soon after its caller has lost the right to it.

Tool calls are checked before each round as well; the watch also covers the time in which the model writes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from shared.agent.outcome import Interruption
from shared.domain.errors import AssistantError, Forbidden, Unauthenticated

if TYPE_CHECKING:
    from shared.auth.caller import Directory
    from shared.chat.round_gate import Authorize
    from shared.domain.models import Caller

log = logging.getLogger(__name__)

CHECK_SECONDS = 20.0
"""The time between two checks. With the longest use of the database, an answer ends within 25 seconds."""
_RETRY_SECONDS = 2.0
"""The time until a check is repeated that could not be made."""


class Watched(Protocol):
    """An answer, as far as the watch needs it."""

    ended: asyncio.Event

    def interrupt(self, reason: Interruption) -> None:
        """End the answer now."""
        ...


class CallerWatch:
    """Checks the callers of all running answers of this process."""

    def __init__(self, authorize: Authorize, directory: Directory, *, check_seconds: float = CHECK_SECONDS) -> None:
        self._authorize = authorize
        self._directory = directory
        self._check_seconds = check_seconds
        self._watching: set[asyncio.Task[None]] = set()

    def watch(self, answer: Watched, caller: Caller) -> None:
        """Check an answer's caller until the answer has ended."""
        task = asyncio.create_task(self._watch(answer, caller))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, answer: Watched, caller: Caller) -> None:
        seconds = self._check_seconds
        while not await _ended_within(answer, seconds):
            try:
                await self._authorize(caller, self._directory)
            except (Unauthenticated, Forbidden):
                answer.interrupt(Interruption.SIGNED_OUT)
                return
            except AssistantError as error:
                # What the answer stores cannot be stored now either, so the answer does not go on for long.
                log.warning("the caller of an answer could not be checked: %s", type(error).__name__)
                seconds = min(_RETRY_SECONDS, self._check_seconds)
            else:
                seconds = self._check_seconds


async def _ended_within(answer: Watched, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await answer.ended.wait()
    except TimeoutError:
        return False
    return True
