"""The receipts of changes, in an ordinary table of ours. They are deleted with their conversation."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from shared.domain.errors import GraphError
from shared.domain.receipts import Receipt, ThingAddress
from shared.graph.statements import Sql, text_parameter
from shared.util.text import clean

if TYPE_CHECKING:
    from uuid import UUID

    from shared.graph.connector import Graph
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_receipt"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        id text PRIMARY KEY,
        conversation_id text NOT NULL,
        user_email text NOT NULL,
        call_id text NOT NULL,
        operation text NOT NULL,
        path text NOT NULL,
        content text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        undone_by text
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_conversation ON {{graph}}.{TABLE} (conversation_id)",
)

_FIELDS = frozenset(field.name for field in fields(Receipt)) - {"undone_by"}

_ID = text_parameter("id")
_USER = text_parameter("user_email")
_BY = text_parameter("undone_by")

STORE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (id, conversation_id, user_email, call_id, operation, path, content)
    VALUES ({_ID}, {text_parameter("conversation_id")}, {_USER}, {text_parameter("call_id")},
            {text_parameter("operation")}, {text_parameter("path")}, {text_parameter("content")})
    ON CONFLICT (id) DO NOTHING
    RETURNING 'true'
""")  # noqa: S608  # values are bound
READ = Sql(f"""
    SELECT to_jsonb(content)::text, to_jsonb(coalesce(undone_by, ''))::text FROM {{graph}}.{TABLE}
     WHERE id = {_ID} AND user_email = {_USER}
""")  # noqa: S608  # values are bound
CLAIM = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET undone_by = {_BY}
     WHERE id = {_ID} AND user_email = {_USER} AND undone_by IS NULL
    RETURNING 'true'
""")  # noqa: S608  # values are bound
RELEASE = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET undone_by = NULL
     WHERE id = {_ID} AND user_email = {_USER} AND undone_by = {_BY}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
DELETE_OF_CONVERSATION = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} RETURNING 'true'
""")  # noqa: S608  # values are bound


class Receipts:
    """The stored receipts. A receipt of another user is treated as missing.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def get(self, receipt_id: str, subject: str) -> Receipt | None:
        """Return a receipt, or None if the user has none with this id."""
        [rows] = await self._graph.read(READ.bind(id=receipt_id, user_email=subject))
        if not rows:
            return None
        content, undone_by = rows[0]
        return replace(_receipt(str(content)), undone_by=str(undone_by))

    async def claim(self, receipt_id: str, subject: str, by: str) -> bool:
        """Mark a receipt as undone by another one; return False if it is marked already."""
        return bool(await self._graph.write(CLAIM.bind(id=receipt_id, user_email=subject, undone_by=by)))

    async def release(self, receipt_id: str, subject: str, by: str) -> None:
        """Remove the mark, because the change was not undone."""
        await self._graph.write(RELEASE.bind(id=receipt_id, user_email=subject, undone_by=by))


def stored(receipt: Receipt, conversation_id: UUID, subject: str) -> BoundStatement:
    """Return the statement that stores a receipt."""
    return STORE.bind(
        id=receipt.id,
        conversation_id=str(conversation_id),
        user_email=subject,
        call_id=clean(receipt.call_id),
        operation=receipt.operation,
        path=clean(receipt.path),
        content=_text(receipt),
    )


def _text(receipt: Receipt) -> str:
    """Write a receipt as JSON that has only ASCII characters, so that the database takes whatever an API sends."""
    content = {name: getattr(receipt, name) for name in _FIELDS}
    content["address"] = [receipt.address.shape, [*receipt.address.values]]
    return json.dumps(content)


def _receipt(content: str) -> Receipt:
    """Read a receipt.

    Raises:
        GraphError: another version wrote it, in a form that this one cannot read.
    """
    try:
        read: dict[str, Any] = {name: value for name, value in json.loads(content).items() if name in _FIELDS}
        shape, values = read.pop("address")
        read |= {name: tuple(read[name]) for name in ("changes", "secret_changes", "written")}
        return Receipt(**read, address=ThingAddress(shape, tuple(values)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise GraphError("a stored receipt cannot be read") from error
