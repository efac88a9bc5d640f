"""Approvals: rounds of tool calls that wait for their user's decision, in an ordinary table inside the graph's schema.

An approval is decided once, by one UPDATE that finds it undecided. It runs in the transaction that begins the next
turn, so that the decision and the turn that acts on it are stored together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args
from uuid import UUID

import orjson

from shared.domain.approvals import AskedCall, Review, Verdict
from shared.domain.content_blocks import objects_in
from shared.domain.events import ToolCall
from shared.domain.parked_rounds import ParkedRound
from shared.graph import leases
from shared.graph.statements import Sql, text_parameter
from shared.util import clock

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import JsonValue

    from shared.domain.approvals import UserDecision
    from shared.domain.models import JsonObject, Lease
    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_approval"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        id text PRIMARY KEY,
        conversation_id text NOT NULL,
        user_email text NOT NULL,
        question_id text NOT NULL,
        message_id text NOT NULL,
        digest text NOT NULL,
        calls text NOT NULL,
        asked text NOT NULL,
        rounds_left integer NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        decided_at timestamptz,
        decision text,
        reason text,
        holder text
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_conversation ON {{graph}}.{TABLE} (conversation_id, created_at)",
)

_NOW = f"{text_parameter('now')}::timestamptz"
_OWNED = f"conversation_id = {text_parameter('id')} AND user_email = {text_parameter('email')}"
_ADD = Sql(f"""
    INSERT INTO {{graph}}.{TABLE}
        (id, conversation_id, user_email, question_id, message_id, digest, calls, asked, rounds_left, created_at,
         expires_at)
    VALUES ({text_parameter("approval")}, {text_parameter("id")}, {text_parameter("email")},
            {text_parameter("question")}, {text_parameter("message")}, {text_parameter("digest")},
            {text_parameter("calls")}, {text_parameter("asked")}, {text_parameter("rounds_left")}::integer, {_NOW},
            {text_parameter("expires_at")}::timestamptz)
    RETURNING 'true'
""")  # noqa: S608  # constants
_CLOSE = Sql(f"""
    UPDATE {{graph}}.{TABLE}
       SET decision = CASE WHEN expires_at <= {_NOW} THEN 'expired' ELSE {text_parameter("decision")} END,
           decided_at = {_NOW}, holder = {text_parameter("holder")}
     WHERE {_OWNED} AND decided_at IS NULL
    RETURNING to_jsonb(decision)::text
""")  # noqa: S608  # constants
_DECIDE = Sql(f"""
    UPDATE {{graph}}.{TABLE}
       SET decision = {text_parameter("decision")}, reason = {text_parameter("reason")}, decided_at = {_NOW},
           holder = {text_parameter("holder")}
     WHERE {_OWNED} AND id = {text_parameter("approval")} AND decided_at IS NULL AND expires_at > {_NOW}
    RETURNING to_jsonb(decision)::text
""")  # noqa: S608  # constants
_LATEST = Sql(f"""
    SELECT to_jsonb(approval)::text FROM {{graph}}.{TABLE} AS approval
     WHERE {_OWNED} ORDER BY created_at DESC LIMIT 1
""")  # noqa: S608  # constants
_FIND = Sql(f"""
    SELECT to_jsonb(approval)::text FROM {{graph}}.{TABLE} AS approval
     WHERE {_OWNED} AND id = {text_parameter("approval")}
""")  # noqa: S608  # constants
_CARRIED_OUT = Sql(f"""
    SELECT 'true' FROM {{graph}}.{TABLE} AS approval JOIN {{graph}}.{leases.TABLE} AS lease
        ON lease.conversation_id = approval.conversation_id AND lease.holder = approval.holder
     WHERE approval.conversation_id = {text_parameter("id")} AND approval.decision = 'approve'
       AND lease.expires_at > clock_timestamp()
""")  # noqa: S608  # constants
_ALL = Sql(f"""
    SELECT to_jsonb(approval)::text FROM {{graph}}.{TABLE} AS approval
     WHERE {_OWNED} ORDER BY created_at
""")  # noqa: S608  # constants
DELETE_OF_CONVERSATION = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {text_parameter("id")} RETURNING 'true'
""")  # noqa: S608  # constants


class Approvals:
    """The approvals of all conversations.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def find(self, approval_id: UUID, conversation_id: UUID, email: str) -> ParkedRound | None:
        """Return a parked round of a user's conversation."""
        bound = _FIND.bind(id=str(conversation_id), email=email, approval=str(approval_id))
        [rows] = await self._graph.read(bound)
        return read(rows)

    async def is_carried_out(self, conversation_id: UUID) -> bool:
        """Return whether the running answer of a conversation acts on an approval."""
        [rows] = await self._graph.read(_CARRIED_OUT.bind(id=str(conversation_id)))
        return bool(rows)


def added(parked: ParkedRound, conversation_id: UUID, email: str, now: datetime) -> BoundStatement:
    """Return the statement that stores a parked round."""
    return _ADD.bind(
        approval=str(parked.approval_id),
        id=str(conversation_id),
        email=email,
        question=str(parked.question_id),
        message=str(parked.message_id),
        digest=parked.review.digest,
        calls=orjson.dumps(parked.calls).decode(),
        asked=orjson.dumps(parked.review.asked).decode(),
        rounds_left=str(parked.rounds_left),
        now=clock.to_text(now),
        expires_at=clock.to_text(parked.expires_at),
    )


def closed(lease: Lease, email: str, verdict: Verdict, now: datetime) -> BoundStatement:
    """Return the statement that decides the open approval of a conversation and returns the verdict.

    The verdict of an approval that has expired is `expired`.
    """
    return _CLOSE.bind(**_by(lease, email, now), decision=verdict)


def decided(
    lease: Lease, email: str, approval_id: UUID, decision: tuple[UserDecision, str | None], now: datetime
) -> BoundStatement:
    """Return the statement that decides one approval, with a reason; it returns the verdict if it was still open."""
    verdict, reason = decision
    return _DECIDE.bind(**_by(lease, email, now), approval=str(approval_id), decision=verdict, reason=reason)


def latest(conversation_id: UUID, email: str) -> BoundStatement:
    """Return the statement that finds the newest parked round of a conversation."""
    return _LATEST.bind(id=str(conversation_id), email=email)


def of_conversation(conversation_id: UUID, email: str) -> BoundStatement:
    """Return the statement that finds all parked rounds of a conversation, oldest first."""
    return _ALL.bind(id=str(conversation_id), email=email)


def read_all(rows: Rows) -> list[ParkedRound]:
    """Read the parked rounds in a statement's rows."""
    return [_parked(row) for (row,) in rows if isinstance(row, dict)]


def read(rows: Rows) -> ParkedRound | None:
    """Read the parked round in a statement's only row."""
    row = rows[0][0] if rows else None
    return _parked(row) if isinstance(row, dict) else None


def _by(lease: Lease, email: str, now: datetime) -> dict[str, JsonValue]:
    return {
        "id": str(lease.conversation_id),
        "email": email,
        "holder": str(lease.holder),
        "now": clock.to_text(now),
    }


def _parked(row: JsonObject) -> ParkedRound:
    asked = tuple(_asked(each) for each in objects_in(orjson.loads(str(row["asked"]))))
    return ParkedRound(
        approval_id=UUID(str(row["id"])),
        question_id=UUID(str(row["question_id"])),
        message_id=UUID(str(row["message_id"])),
        calls=tuple(_call(each) for each in objects_in(orjson.loads(str(row["calls"])))),
        review=Review(str(row["digest"]), asked),
        rounds_left=int(str(row["rounds_left"])),
        expires_at=clock.parse(str(row["expires_at"])),
        verdict=verdict_of(row.get("decision")),
        reason=_text(row.get("reason")),
        holder=UUID(str(row["holder"])) if row.get("holder") else None,
    )


def verdict_of(value: JsonValue) -> Verdict | None:
    """Read a stored verdict."""
    return next((each for each in get_args(Verdict) if each == value), None)


def _call(value: JsonObject) -> ToolCall:
    return ToolCall(str(value["id"]), str(value["name"]), _object(value["input"]), _text(value.get("problem")))


def _asked(value: JsonObject) -> AskedCall:
    return AskedCall(
        id=str(value["id"]),
        name=str(value["name"]),
        input=_object(value["input"]),
        method=_text(value.get("method")),
        path=_text(value.get("path")),
        changes=tuple(objects_in(value.get("changes"))),
        source=str(value.get("source") or ""),
        operation=str(value.get("operation") or ""),
        undoes=value.get("undoes") is True,
        options=tuple(str(each) for each in _list(value.get("options"))),
    )


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
