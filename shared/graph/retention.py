"""The removal of conversations that have been idle for too long, by one process at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.graph import leases
from shared.graph.deletions import Deletions
from shared.graph.erasure import Erasure

if TYPE_CHECKING:
    from datetime import datetime

    from shared.graph.connector import Graph

CONVERSATIONS_PER_BATCH = 20
PAUSE_SECONDS = 1.0
"""The pause between two batches, in which others use the database."""
_NAME = "retention"
"""The name of the sweeps' lease, beside the ids of conversations."""


class Retention:
    """Sweeps idle conversations out of the graph.

    Every method raises GraphUnavailable if the database cannot be reached in time; a later sweep goes on.
    """

    def __init__(self, graph: Graph, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Take the graph, and the pause between two batches."""
        self._graph = graph
        self._pause_seconds = pause_seconds
        self._deletions = Deletions(graph)
        self._erasure = Erasure(graph)

    async def sweep(self, before: datetime | None) -> int | None:
        """Delete all conversations that have not changed since a time, and what deletions have left.

        Returns the number of deleted conversations, or None if another process is sweeping. None as the time deletes
        no conversation.
        """
        lease = {"id": _NAME, "holder": str(uuid4())}
        if not await self._graph.write(leases.ACQUIRE.bind(**lease)):
            return None
        count = 0
        try:
            while before is not None and await self._graph.write(leases.HOLD.bind(**lease)):
                deleted = await self._deletions.delete_idle(before, CONVERSATIONS_PER_BATCH)
                count += deleted
                if deleted < CONVERSATIONS_PER_BATCH:
                    break
                await asyncio.sleep(self._pause_seconds)
            await self._erasure.tidy_up()
        finally:
            await self._graph.write(leases.RELEASE.bind(**lease))
        return count
