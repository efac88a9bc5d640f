"""Very many conversations with their messages and edges, written set by set into the tables of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.graph.connector import Connection
    from tests.support.database import Database

MESSAGES = 2
"""The messages of each conversation: a question and an answer."""
COLLECTOR = "collector@example.com"
COLLECTED = 5_000
"""The conversations of one user; all others have a thousand each."""
_PER_USER = 1_000
_AT_ONCE = 20_000
"""The conversations of one statement. AGE's functions free memory at the end of a statement only: some 10 KB a row."""

_LABEL_ID = """(SELECT label.id FROM ag_catalog.ag_label label JOIN ag_catalog.ag_graph graph
                    ON graph.graphid = label.graph
                 WHERE graph.name = '{graph}' AND label.name = '{label}')"""
_EMAIL = f"CASE WHEN n <= {COLLECTED} THEN '{COLLECTOR}' ELSE 'user-' || n / {_PER_USER} || '@example.com' END"
_USER = f"CASE WHEN n <= {COLLECTED} THEN 1 ELSE 2 + n / {_PER_USER} END"
_TIME = """to_char(timestamp '2025-01-01' + n * interval '13 seconds', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00'"""
_PLACE = f"n * {MESSAGES} + place"
_FILLED = "filled by the benchmark"

_FILL = {
    "User": f"""(id, properties)
        SELECT {{id}}, ('{{{{"email": "' || CASE number WHEN 1 THEN '{COLLECTOR}'
               ELSE 'user-' || number - 2 || '@example.com' END || '", "is_active": true}}}}')::ag_catalog.agtype
          FROM generate_series(1, 2 + {{count}} / {_PER_USER}) number
         WHERE {{first}} = 1""",  # noqa: S608  # our own text
    "Conversation": f"""(id, properties)
        SELECT {{id}}, ('{{{{"id": "' || md5('c' || n)::uuid || '", "user_email": "' || {_EMAIL}
               || '", "title": "Question ' || n || '", "created_at": "' || {_TIME} || '", "updated_at": "' || {_TIME}
               || '", "model": "claude-sonnet-4-6", "is_archived": false}}}}')::ag_catalog.agtype
          FROM generate_series({{first}}, {{last}}) n, LATERAL (SELECT n AS number) numbered""",  # noqa: S608  # our own text
    "Message": f"""(id, properties)
        SELECT {{id}}, ('{{{{"id": "' || md5('m' || number)::uuid || '", "conversation_id": "' || md5('c' || n)::uuid
               || '", "role": "' || CASE place WHEN 0 THEN 'user' ELSE 'assistant' END || '", "content": "Which'
               || ' projects are late, and whose are they?", "created_at": "' || {_TIME}
               || '", "sequence": ' || place || '}}}}')::ag_catalog.agtype
          FROM generate_series({{first}}, {{last}}) n, generate_series(0, {MESSAGES - 1}) place,
               LATERAL (SELECT {_PLACE} AS number) numbered""",  # noqa: S608  # our own text
    "HAS_CONVERSATION": f"""(id, start_id, end_id)
        SELECT {{id}}, ag_catalog._graphid({{User}}, {_USER}), ag_catalog._graphid({{Conversation}}, n)
          FROM generate_series({{first}}, {{last}}) n, LATERAL (SELECT n AS number) numbered""",  # noqa: S608  # our own text
    "CONTAINS": f"""(id, start_id, end_id)
        SELECT {{id}}, ag_catalog._graphid({{Conversation}}, n), ag_catalog._graphid({{Message}}, number)
          FROM generate_series({{first}}, {{last}}) n, generate_series(0, {MESSAGES - 1}) place,
               LATERAL (SELECT {_PLACE} AS number) numbered""",  # noqa: S608  # our own text
}


async def fill(database: Database, count: int) -> None:
    """Write this many conversations into a graph that has its labels and no other conversations."""
    graph = database.graph_name
    async with database.connected() as connection:
        names = {label: _LABEL_ID.format(graph=graph, label=label) for label in _FILL}
        for label, rows in _FILL.items():
            names["id"] = f"ag_catalog._graphid({names[label]}, number)"
            for first in range(1, count + 1, _AT_ONCE):
                last = min(first + _AT_ONCE - 1, count)
                text = rows.format(count=count, first=first, last=last, **names)
                await _run(connection, f'INSERT INTO "{graph}"."{label}" {text}')
            highest = 2 + MESSAGES * (count + 1)
            await _run(connection, f"""SELECT setval('"{graph}"."{label}_id_seq"', {highest})""")
            await _run(connection, f'VACUUM ANALYZE "{graph}"."{label}"')
        await _run(connection, f"""COMMENT ON SCHEMA "{graph}" IS '{_FILLED}'""")


async def is_filled(database: Database) -> bool:
    """Return whether `fill` has written the whole graph."""
    async with database.connected() as connection:
        cursor = await connection.execute("SELECT obj_description(%s::regnamespace)", (database.graph_name,))
        return await cursor.fetchone() == (_FILLED,)


def conversation_id(number: int) -> str:
    """Return the SQL expression of the id of a conversation, counted from 1."""
    return f"md5('c' || {number})::uuid::text"


async def _run(connection: Connection, text: str) -> None:
    await connection.execute(text.encode())
