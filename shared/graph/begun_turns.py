"""The beginning of a turn: the statements that every turn begins with, and what they found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.graph import approvals, call_intents, leases
from shared.graph import conversation_statements as statements
from shared.graph.conversations import only_conversation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from shared.domain.models import Conversation, JsonObject, Lease, StoredMessage
    from shared.domain.parked_rounds import ParkedRound
    from shared.graph.connector import Rows
    from shared.graph.statements import BoundStatement


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """A turn whose question is stored: the conversation and the messages before the question."""

    conversation: Conversation
    earlier: list[StoredMessage]
    """All messages before the question, with those that earlier questions or this one have replaced."""
    cut_calls: list[JsonObject]
    """The records of calls whose results were not stored, because their process was killed."""
    replaced: Sequence[StoredMessage] = ()
    """The messages that the question has replaced."""
    parked: ParkedRound | None = None
    """The newest parked round of the conversation, with its verdict."""


def beginning(owned: dict[str, JsonValue], lease: Lease) -> tuple[BoundStatement, ...]:
    """Return the statements that begin every turn."""
    return (
        statements.LOCK.bind(**owned),
        leases.ACQUIRE.bind(**leases.values_of(lease)),
        statements.MESSAGES.bind(**owned),
        approvals.latest(lease.conversation_id, str(owned["email"])),
    )


def begun_turn(results: list[Rows], lease: Lease, earlier: list[StoredMessage], reason: str | None = None) -> BegunTurn:
    """Return the turn that a transaction has begun, with its messages. Its fifth statement returned its verdict."""
    found, _, _, newest, verdicts, cut, *_ = results
    parked = approvals.read(newest)
    verdict = approvals.verdict_of(verdicts[0][0]) if verdicts else None
    if parked is not None and verdict is not None:
        parked = replace(parked, verdict=verdict, reason=reason, holder=lease.holder)
    return BegunTurn(only_conversation(found), earlier, call_intents.records_of(cut), parked=parked)


def with_replaced(begun: BegunTurn, replaced: Sequence[StoredMessage]) -> BegunTurn:
    """Return the turn with the messages that its question has replaced."""
    if not replaced:
        return begun
    gone = {each.id for each in replaced}
    earlier = [replace(each, is_superseded=each.is_superseded or each.id in gone) for each in begun.earlier]
    return replace(begun, earlier=earlier, replaced=replaced)
