"""The statements about conversations and their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph.statements import Cypher, Sql, agtype_parameter, property_of

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import JsonValue

_OWNED = f"""{property_of("id")} = {agtype_parameter("id")}
         AND {property_of("user_email")} = {agtype_parameter("email")}"""
_MATCH_OWNED = "MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email"
_NOT_ARCHIVED = f"""{property_of("is_archived")} IS DISTINCT FROM 'true'::ag_catalog.agtype"""


def owned_by(email: str, conversation_id: UUID) -> dict[str, JsonValue]:
    """Return the parameters of the statements that find one conversation of one user."""
    return {"id": str(conversation_id), "email": email}


def _list(condition: str) -> Sql:
    # The query names both columns of the index in ORDER BY. AGE's equality does not tell the planner that the first
    # column is constant, so with the second column alone it would sort all conversations of the user.
    return Sql(f"""
        SELECT properties FROM {{graph}}."Conversation"
         WHERE {property_of("user_email")} = {agtype_parameter("email")} AND {condition}
         ORDER BY {property_of("user_email")} DESC, {property_of("updated_at")} DESC
         LIMIT (%(limit)s)::text::bigint OFFSET (%(offset)s)::text::bigint
    """)  # noqa: S608  # values are bound


CREATE = Cypher("""
    MATCH (user:User) WHERE user.email = $user_email WITH user LIMIT 1
    CREATE (user)-[:HAS_CONVERSATION]->(conversation:Conversation {
        id: $id, user_email: $user_email, title: $title, created_at: $created_at, updated_at: $updated_at,
        model: $model, is_archived: $is_archived})
    RETURN properties(conversation)
""")
FIND = Sql(f"""SELECT properties FROM {{graph}}."Conversation" WHERE {_OWNED}""")  # noqa: S608  # values are bound
LOCK = Sql(f"""SELECT properties FROM {{graph}}."Conversation" WHERE {_OWNED} FOR UPDATE""")  # noqa: S608  # values are bound
LIST_ALL = _list("true")
LIST_CURRENT = _list(_NOT_ARCHIVED)
MESSAGES = Sql(f"""
    SELECT properties FROM {{graph}}."Message"
     WHERE {property_of("conversation_id")} = {agtype_parameter("id")}
       AND EXISTS (SELECT 1 FROM {{graph}}."Conversation" WHERE {_OWNED})
     ORDER BY {property_of("sequence")}
""")  # noqa: S608  # values are bound
SET_TITLE = Cypher(f"""
    {_MATCH_OWNED}
    SET conversation.title = $title
    RETURN properties(conversation)
""")
SUGGEST_TITLE = Cypher(f"""
    {_MATCH_OWNED} AND conversation.title IS NULL
    SET conversation.title = $title
    RETURN properties(conversation)
""")
SET_ARCHIVED = Cypher(f"""
    {_MATCH_OWNED}
    SET conversation.is_archived = $is_archived
    RETURN properties(conversation)
""")
TOUCH = Cypher(f"""
    {_MATCH_OWNED}
    SET conversation.updated_at = $updated_at
    RETURN properties(conversation)
""")
APPEND = Cypher(f"""
    {_MATCH_OWNED}
    OPTIONAL MATCH (earlier:Message) WHERE earlier.conversation_id = $id
    WITH conversation, coalesce(max(earlier.sequence), -1) AS last
    UNWIND $rows AS row
    CREATE (conversation)-[:CONTAINS]->(message:Message {{
        id: row.id, conversation_id: $id, role: row.role, content: row.content, tool_use: row.tool_use,
        tool_results: row.tool_results, created_at: row.created_at, sequence: last + 1 + row.offset,
        token_usage: row.token_usage, blocks: row.blocks, additions: row.additions, is_partial: row.is_partial,
        idempotency_key: row.idempotency_key}})
    RETURN properties(message)
""")
SET_ADDITIONS = Cypher("""
    MATCH (message:Message) WHERE message.id = $id
    SET message.additions = $additions
    RETURN properties(message)
""")
SET_PREFIX = Cypher("""
    MATCH (conversation:Conversation) WHERE conversation.id = $id AND conversation.user_email = $email
    SET conversation.prefix = $prefix, conversation.edits = $edits
    RETURN properties(conversation)
""")
SET_OUTCOME = Cypher("""
    MATCH (message:Message) WHERE message.id = $id
    SET message.outcome = $outcome
    RETURN properties(message)
""")
HAS_MESSAGE = Sql(f"""
    SELECT 'true' FROM {{graph}}."Message" WHERE {property_of("id")} = {agtype_parameter("id")}
""")  # noqa: S608  # values are bound
DELETE_MESSAGES = Cypher("""
    MATCH (message:Message) WHERE message.conversation_id = $id
    DETACH DELETE message
""")
DELETE = Cypher(f"""
    {_MATCH_OWNED}
    DETACH DELETE conversation
""")
