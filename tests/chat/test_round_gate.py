"""The gate before tool calls: a fence in the database, and a comparison with the lease's end before each call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from shared.chat.patience import Patience
from shared.chat.round_gate import RoundGate
from shared.domain.errors import ConversationLost
from shared.domain.models import Caller, Lease, Principal
from shared.graph.audit_trail import AuditTrail
from shared.graph.call_intents import Intent
from shared.graph.connector import Graph
from shared.graph.fences import Fences
from tests.support import leases
from tests.support.audit_rows import intents_of, query
from tests.support.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.auth.caller import Directory
    from tests.support.database import Database

CALLER = Caller(Principal("nobody@example.com", "Nobody"), "a token")
INTENT = Intent("question", "call", {"tool": "change"})


async def authorize(caller: Caller, directory: Directory) -> Caller:
    await directory.find(caller.principal.subject, "no token")
    return caller


@dataclass
class Held:
    """A conversation's lease, and the gate of the answer that holds it."""

    gate: RoundGate
    graph: Graph
    database: Database
    conversation: UUID
    clock: Clock = field(default_factory=Clock)

    async def intents(self) -> int:
        return await intents_of(self.database, str(self.conversation))


@pytest.fixture
async def held(database: Database) -> AsyncIterator[Held]:
    graph = Graph(database.dsn, database.graph_name, max_size=1)
    lease, clock = Lease(uuid4(), uuid4()), Clock()
    insert = "INSERT INTO {}.imbi_assistant_lease VALUES (%s, %s, now() + interval '15 seconds')"
    await query(database, insert, str(lease.conversation_id), str(lease.holder))
    gate = RoundGate(Fences(graph), authorize, lease, Patience(), clock)
    yield Held(gate, graph, database, lease.conversation_id, clock)
    await query(database, "DELETE FROM {}.imbi_assistant_call WHERE conversation_id = %s", str(lease.conversation_id))
    await leases.give_back(database, str(lease.conversation_id))
    await graph.aclose()


@pytest.mark.proves("calls.fence")
async def test_the_fence_stores_the_intents_once_however_often_it_is_passed(held: Held) -> None:
    for _ in range(2):
        assert await held.gate.pass_round(CALLER, [INTENT]) == CALLER
    assert await held.intents() == 1


@pytest.mark.proves("calls.fence")
@pytest.mark.parametrize("lose", [leases.hold, leases.give_back])
async def test_a_lost_lease_lets_no_round_pass_and_stores_no_intent(held: Held, lose: Any) -> None:
    await lose(held.database, str(held.conversation))
    with pytest.raises(ConversationLost):
        await held.gate.pass_round(CALLER, [INTENT])
    assert await held.intents() == 0


@pytest.mark.proves("calls.fence", "writer.late")
async def test_an_expired_lease_that_nobody_has_taken_is_renewed(held: Held) -> None:
    await leases.expire(held.database, str(held.conversation))
    await held.gate.pass_round(CALLER, [INTENT])
    assert await held.intents() == 1
    assert await leases.held(held.database) >= 1


@pytest.mark.proves("calls.fence")
async def test_a_process_that_was_stopped_for_longer_than_its_lease_asks_again_before_it_sends(held: Held) -> None:
    await held.gate.pass_round(CALLER, [])
    await leases.hold(held.database, str(held.conversation))
    await held.gate.pass_call()
    held.clock.now += 20
    with pytest.raises(ConversationLost):
        await held.gate.pass_call()


@pytest.mark.proves("calls.fence")
async def test_a_call_that_begins_late_in_a_long_round_renews_the_lease(held: Held) -> None:
    await held.gate.pass_round(CALLER, [])
    held.clock.now += 20
    await held.gate.pass_call()
    await leases.expire(held.database, str(held.conversation))
    await held.gate.pass_call()


@pytest.mark.proves("calls.fence", "audit.one-row")
async def test_a_holder_is_too_late_once_the_audit_has_rows_for_its_calls(held: Held) -> None:
    await held.gate.pass_round(CALLER, [INTENT])
    await AuditTrail(held.graph).collect()
    await held.gate.pass_round(CALLER, [])
    await leases.expire(held.database, str(held.conversation))
    await AuditTrail(held.graph).collect()
    with pytest.raises(ConversationLost):
        await held.gate.pass_round(CALLER, [])
