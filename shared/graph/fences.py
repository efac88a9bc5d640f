"""Fences before tool calls: a round's calls run only while the answer holds the conversation's lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import call_intents
from shared.graph.admission import Priority
from shared.graph.principals import FencedPrincipals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Lease
    from shared.graph.call_intents import Intent
    from shared.graph.connector import Graph


class Fences:
    """The fences of all answers.

    A fence is one statement. It renews the lease and stores the intents of the calls, or does neither if another answer
    has taken the lease.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def directory(self, lease: Lease, intents: Sequence[Intent]) -> FencedPrincipals:
        """Return a directory whose next query for a caller also passes the fence, in the same round trip."""
        return FencedPrincipals(self._graph, call_intents.fence(lease, intents))

    async def hold(self, lease: Lease) -> bool:
        """Renew a lease; return whether it is held.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
        """
        [rows] = await self._graph.repeatable(call_intents.fence(lease, ()), priority=Priority.UPKEEP)
        return bool(rows)
