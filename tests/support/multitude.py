"""Very many conversations, written straight into the labels' tables because Cypher would take hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.database import Database

_VERTEX_ID = """ag_catalog._graphid((SELECT label.id FROM ag_catalog.ag_label label
                                       JOIN ag_catalog.ag_graph graph ON graph.graphid = label.graph
                                      WHERE graph.name = '{graph}' AND label.name = '{label}')::int,
                                    nextval('"{graph}"."{label}_id_seq"'::regclass))"""

_CONVERSATION_ID = "md5('{email}' || number)::uuid"

_CONVERSATIONS = """
    INSERT INTO "{graph}"."Conversation" (id, properties)
    SELECT {vertex_id}, ('{{"id": "' || {conversation_id} || '", "user_email": "{email}", "title": "Question ' || number
           || '", "created_at": "2026-01-01T00:00:00+00:00", "updated_at": "'
           || to_char(timestamp '2026-01-01' + number * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS')
           || '+00:00", "model": "claude-sonnet-4-6", "is_archived": false}}')::ag_catalog.agtype
      FROM generate_series(1, {count}) number"""

_MESSAGES = """
    INSERT INTO "{graph}"."Message" (id, properties)
    SELECT {vertex_id}, ('{{"id": "' || md5('{email}' || number || '/' || place)::uuid || '", "conversation_id": "'
           || {conversation_id} || '", "role": "' || CASE place % 2 WHEN 0 THEN 'user' ELSE 'assistant' END
           || '", "content": "Which projects are late, and whose are they?", "created_at": "2026-01-01T00:00:00+00:00",'
           || ' "sequence": ' || place || '}}')::ag_catalog.agtype
      FROM generate_series(1, {count}) number, generate_series(0, {messages} - 1) place"""


async def add_conversations(database: Database, email: str, count: int, messages: int) -> str:
    """Add conversations to a user, each with so many messages, without edges; returns the id of the newest.

    The email is the test's own: it is written into the statement.
    """
    conversation_id = _CONVERSATION_ID.format(email=email)
    async with database.connected() as connection:
        for label, statement in (("Conversation", _CONVERSATIONS), ("Message", _MESSAGES)):
            vertex_id = _VERTEX_ID.format(graph=database.graph_name, label=label)
            values = {"graph": database.graph_name, "email": email, "count": count, "messages": messages}
            text = statement.format(vertex_id=vertex_id, conversation_id=conversation_id, **values)
            await connection.execute(text.encode())
            await connection.execute(f'ANALYZE "{database.graph_name}"."{label}"'.encode())
        newest = conversation_id.replace("number", str(count))
        cursor = await connection.execute(f"SELECT {newest}::text".encode())
        row = await cursor.fetchone()
        assert row is not None
        return str(row[0])
