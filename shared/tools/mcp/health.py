"""The health of external servers, as Imbi's admin page shows it. It is written in the background."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

HealthStatus: TypeAlias = Literal["healthy", "degraded", "unreachable"]
"""`degraded`: the server answers, but not as it should."""

_MIN_INTERVAL_SECONDS = 60.0
_WRITE_TIMEOUT_SECONDS = 10.0
_CLOSE_TIMEOUT_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """The outcome of a listing or of a failed call.

    `error` is a sentence without secrets, addresses or text from the server; None if there was no error.
    `tools_discovered` is the number of listed tools; None if this outcome says nothing about it.
    """

    slug: str
    status: HealthStatus
    error: str | None
    tested_at: datetime
    latency_ms: int
    tools_discovered: int | None = None


class RecordHealth(Protocol):
    """Writes the health of a server to the graph."""

    async def __call__(
        self,
        slug: str,
        *,
        status: str,
        error: str | None,
        tested_at: datetime,
        latency_ms: int,
        tools_discovered: int | None,
    ) -> None:
        """Write the health; any exception means that it was not written."""
        ...


class HealthRecorder:
    """Writes health at most once a minute for each server. A failed write is logged once and has no other effect."""

    def __init__(self, record: RecordHealth | None, clock: Callable[[], float]) -> None:
        """Prepare; without `record` nothing is written. `clock` returns wall-clock seconds."""
        self._record = record
        self._clock = clock
        self._pending: dict[str, ServerHealth] = {}
        self._written_at: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_logged_failure = False

    def add(self, health: ServerHealth) -> None:
        """Write the health of a server in the background: now, or by a later `flush` if the last write is recent."""
        if self._record is not None:
            self._pending[health.slug] = health
            self.flush()

    def flush(self) -> None:
        """Start to write the pending health that is due. This does not wait."""
        now = self._clock()
        for slug in list(self._pending):
            if not 0 <= now - self._written_at.get(slug, float("-inf")) < _MIN_INTERVAL_SECONDS:
                self._written_at[slug] = now
                task = asyncio.create_task(self._write(self._pending.pop(slug)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Wait for the writes that have begun, for at most two seconds."""
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT_SECONDS)
        for task in tasks:
            task.cancel()

    async def _write(self, health: ServerHealth) -> None:
        if self._record is None:
            return
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_SECONDS):
                await self._record(
                    health.slug,
                    status=health.status,
                    error=health.error,
                    tested_at=health.tested_at,
                    latency_ms=health.latency_ms,
                    tools_discovered=health.tools_discovered,
                )
        except Exception as error:  # noqa: BLE001  # whatever fails here must not disturb an answer
            if not self._has_logged_failure:
                log.warning("the health of external servers cannot be written: %s", type(error).__name__)
            self._has_logged_failure = True
        else:
            self._has_logged_failure = False
