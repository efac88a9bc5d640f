"""What an undo needs of the API: its plan, the thing as it is now, and the call that puts it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.openapi.facts import facts_of
from shared.tools.openapi.sight import ThingReader
from shared.tools.receipts.hiding import hidden
from shared.tools.undo.plan import plan_undo

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.call_facts import CallFacts
    from shared.domain.models import Caller
    from shared.domain.ports import ToolOutput
    from shared.domain.receipts import Receipt, ThingAddress
    from shared.tools.openapi.calls import Calls, Undone
    from shared.tools.openapi.client import ApiClient
    from shared.tools.openapi.sight import Sight
    from shared.tools.openapi.snapshot import Snapshot
    from shared.tools.undo.plan import UndoPlan


class ApiUndo:
    """Takes changes back on one reading of the document."""

    def __init__(self, api: ApiClient, calls: Calls, snapshot: Snapshot) -> None:
        self._api = api
        self._calls = calls
        self._snapshot = snapshot

    def plan(self, receipt: Receipt) -> UndoPlan:
        """Plan the undo of a receipt.

        Raises:
            Obstacle: it cannot be undone; the message is a clause that says why.
        """
        return plan_undo(receipt, self._snapshot.things)

    def facts(self, plan: UndoPlan) -> CallFacts:
        """Describe the call that a plan makes."""
        return facts_of(plan.operation, plan.arguments, self._api.address)

    async def look(self, address: ThingAddress, caller: Caller) -> Sight:
        """Read a thing as it is now."""
        return await ThingReader(self._api, self._snapshot, caller).read(address)

    def without_secrets(self, sight: Sight, caller: Caller) -> JsonValue:
        """Return what was read of a thing as receipts hold it."""
        return hidden(sight.document, self._snapshot.secret_names, caller.token)

    def writable(self, address: ThingAddress) -> frozenset[str]:
        """Return the names of the fields of a thing that the API's operations write."""
        return self._snapshot.things.writable(address.shape)

    async def run(self, plan: UndoPlan, undone: Undone, caller: Caller) -> ToolOutput:
        """Make the call of a plan.

        Raises:
            ToolError: its arguments are wrong, or no response came.
        """
        name = plan.operation.definition.name
        return await self._calls.run(self._snapshot, name, plan.arguments, caller, undone)
