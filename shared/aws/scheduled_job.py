"""The handler of a Lambda function that a schedule invokes: it does its work on the database and ends.

https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
"""

from __future__ import annotations

import asyncio
import logging
from secrets import token_hex
from typing import TYPE_CHECKING

from shared.aws.configuration import configure
from shared.aws.secrets import Secrets
from shared.observability import logs
from shared.settings import environment, invocation_trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.aws.application import Context
    from shared.settings import Settings

    Work = Callable[[Settings, Callable[[str], None]], Awaitable[None]]

log = logging.getLogger(__name__)

_RESERVE_SECONDS = 10.0
"""The time that is left for the end of the work and the report, before Lambda ends the invocation."""
_SECRET_BYTES = 32
_LATE = "The time of the invocation is over. The next one goes on."


class ScheduledJob:
    """A function's handler that runs the same work at every invocation, whatever the event is."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, _event: object, context: Context) -> dict[str, object]:
        """Do the work, and return the lines that it reports.

        An exception of the work, such as StartupError, is the error of the invocation: Lambda counts it, and tries
        again.

        Raises:
            SettingsError: a variable or a secret is missing or wrong.
        """
        logs.bind_invocation(invocation_trace())
        # The work checks no tokens, but the settings require a secret.
        variables = {"IMBI_AUTH_JWT_SECRET": token_hex(_SECRET_BYTES), **Secrets(environment()).variables()}
        configuration = configure(variables)
        seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
        lines: list[str] = []

        def report(line: str) -> None:
            log.info("%s", line)
            lines.append(line)

        async def run() -> None:
            try:
                async with asyncio.timeout(max(seconds, 0)):
                    await self._work(configuration.settings, report)
            except TimeoutError:
                report(_LATE)
            finally:
                await configuration.flush_reports()

        asyncio.run(run())
        return {"lines": lines}
