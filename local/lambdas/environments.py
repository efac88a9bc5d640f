"""The environments of all functions: started when they are needed, bounded in number, stopped together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from local.lambdas.environment import Environment

if TYPE_CHECKING:
    from types import TracebackType

    from local.lambdas.environment import Platform
    from local.lambdas.functions import Function
    from local.lambdas.invocation import Invocation

log = logging.getLogger(__name__)

_WAIT_SECONDS = 30.0
"""The time that a request waits for an environment."""


class Throttled(Exception):
    """No environment became free in time."""


class Environments:
    """At most `limit` environments. If there are as many, the one that was idle for the longest time makes room."""

    def __init__(self, platform: Platform, limit: int) -> None:
        self._platform = platform
        self._limit = limit
        self._all: list[Environment] = []
        self._changed = asyncio.Event()
        self._choosing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self, _seconds: float = 0.0) -> None:
        """Stop all environments. Each has two seconds for its answers, as on Lambda."""
        await asyncio.gather(*(each.stop() for each in self._all))

    async def invoke(self, function: Function, event: bytes) -> Invocation:
        """Invoke a function with an event.

        Raises:
            Throttled: all environments are in use.
        """
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while True:
                    self._changed.clear()
                    async with self._choosing:
                        if environment := await self._found(function):
                            return environment.invoke(event)
                    await self._changed.wait()
        except TimeoutError as error:
            raise Throttled from error

    async def _found(self, function: Function) -> Environment | None:
        """Return an environment of a function that is free, or a new one; None if there is no room for one."""
        self._all = [each for each in self._all if not each.has_ended]
        for each in self._all:
            if each.function == function and each.is_free:
                return each
        if len(self._all) >= self._limit:
            idle = [each for each in self._all if each.is_idle]
            if not idle:
                return None
            oldest = min(idle, key=lambda each: each.used_at)
            log.info("an environment of %s makes room", oldest.function.name)
            await oldest.stop()
            self._all.remove(oldest)
        environment = Environment(function, self._platform, self._changed.set)
        log.info("a new environment of %s starts", function.name)
        self._all.append(environment)
        await environment.start()
        return environment
