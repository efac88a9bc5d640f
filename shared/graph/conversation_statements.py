"""The statements about conversations and their messages.

They are SQL on the tables of the labels, because Cypher's writes scan these tables on AGE 1.5. What they store is what
Cypher would store. Every name has its schema, so the statements need no search path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import leases
from shared.graph.statements import Sql, agtype_parameter, equals, is_not_true, property_of, text_parameter
from shared.graph.vertex_changes import CHANGED_PROPERTIES

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import JsonValue

_OWNED = f"{equals('id')} AND {equals('user_email', 'email')}"
_OF_CONVERSATION = equals("conversation_id", "id")
_NOT_ARCHIVED = is_not_true("is_archived")
_KEY = ", ".join(property_of(name) for name in ("updated_at", "id"))
_IS_ANSWERED = f"""(EXISTS (SELECT 1 FROM {{graph}}.{leases.TABLE}
                    WHERE conversation_id = {text_parameter("conversation")}
                      AND expires_at > clock_timestamp()))::text"""  # noqa: S608  # constants
_BEFORE = f"""ROW({_KEY}) OPERATOR(ag_catalog.<)
              ROW({agtype_parameter("before_updated_at")}, {agtype_parameter("before_id")})"""


def owned_by(email: str, conversation_id: UUID) -> dict[str, JsonValue]:
    """Return the parameters of the statements that find one conversation of one user."""
    return {"id": str(conversation_id), "email": email}


def _list(*conditions: str) -> Sql:
    # The query names all columns of the index in ORDER BY. AGE's equality does not tell the planner that the first
    # column is constant, so without the first column it would sort all conversations of the user.
    return Sql(f"""
        SELECT properties FROM {{graph}}."Conversation"
         WHERE {" AND ".join((equals("user_email", "email"), *conditions))}
         ORDER BY {property_of("user_email")} DESC, {property_of("updated_at")} DESC, {property_of("id")} DESC
         LIMIT (%(limit)s)::text::bigint OFFSET (%(offset)s)::text::bigint
    """)  # noqa: S608  # values are bound


CREATE = Sql(f"""
    WITH owner AS (
        SELECT id FROM {{graph}}."User" WHERE {equals("email", "user_email")} LIMIT 1
    ), conversation AS (
        INSERT INTO {{graph}}."Conversation" (properties)
        SELECT {agtype_parameter("properties")} FROM owner
        RETURNING id, properties
    ), edge AS (
        INSERT INTO {{graph}}."HAS_CONVERSATION" (start_id, end_id)
        SELECT owner.id, conversation.id FROM owner, conversation
    )
    SELECT properties FROM conversation
""")  # noqa: S608  # values are bound
FIND = Sql(f"""SELECT properties FROM {{graph}}."Conversation" WHERE {_OWNED}""")  # noqa: S608  # values are bound
LOCK = Sql(f"""SELECT properties FROM {{graph}}."Conversation" WHERE {_OWNED} FOR UPDATE""")  # noqa: S608  # values are bound
LIST_ALL = _list()
LIST_ALL_BEFORE = _list(_BEFORE)
LIST_CURRENT = _list(_NOT_ARCHIVED)
LIST_CURRENT_BEFORE = _list(_BEFORE, _NOT_ARCHIVED)
LISTS = {
    (True, False): LIST_ALL,
    (True, True): LIST_ALL_BEFORE,
    (False, False): LIST_CURRENT,
    (False, True): LIST_CURRENT_BEFORE,
}
"""By whether archived conversations are included, and whether the page begins after a key."""
MESSAGES = Sql(
    f"""
    SELECT properties FROM {{graph}}."Message"
     WHERE {_OF_CONVERSATION}
       AND EXISTS (SELECT 1 FROM {{graph}}."Conversation" WHERE {_OWNED})
     ORDER BY {property_of("sequence")}
""",  # noqa: S608  # values are bound
    is_raw=True,
)
SHOWN_MESSAGES = Sql(f"""
    SELECT properties, {_IS_ANSWERED} FROM {{graph}}."Message"
     WHERE {_OF_CONVERSATION}
       AND EXISTS (SELECT 1 FROM {{graph}}."Conversation" WHERE {_OWNED})
     ORDER BY {property_of("sequence")}
""")  # noqa: S608  # values are bound
SUPERSEDE = Sql(f"""
    UPDATE {{graph}}."Message" SET properties = {CHANGED_PROPERTIES}
     WHERE {_OF_CONVERSATION}
       AND ({property_of("sequence")})::bigint >= (%(sequence)s)::text::bigint
    RETURNING 'true'
""")  # noqa: S608  # values are bound
CHANGE = Sql(f"""
    UPDATE {{graph}}."Conversation" SET properties = {CHANGED_PROPERTIES}
     WHERE {_OWNED}
    RETURNING properties
""")  # noqa: S608  # values are bound
SUGGEST_TITLE = Sql(f"""
    UPDATE {{graph}}."Conversation" SET properties = {CHANGED_PROPERTIES}
     WHERE {_OWNED}
       AND ({property_of("title")} IS NULL
            OR {property_of("is_title_provisional")} OPERATOR(ag_catalog.=) 'true'::ag_catalog.agtype)
    RETURNING properties
""")  # noqa: S608  # values are bound
SET_FIRST_TITLE = Sql(f"""
    UPDATE {{graph}}."Conversation" SET properties = {CHANGED_PROPERTIES}
     WHERE {_OWNED} AND {property_of("title")} IS NULL
       AND NOT EXISTS (SELECT 1 FROM {{graph}}."Message" WHERE {_OF_CONVERSATION})
    RETURNING 'true'
""")  # noqa: S608  # values are bound
APPEND = Sql(f"""
    WITH conversation AS (
        SELECT id FROM {{graph}}."Conversation" WHERE {_OWNED}
    ), earlier AS (
        SELECT ({property_of("sequence")})::bigint AS last FROM {{graph}}."Message"
         WHERE {_OF_CONVERSATION} AND {property_of("sequence")} IS NOT NULL
         ORDER BY {property_of("conversation_id")} DESC, {property_of("sequence")} DESC
         LIMIT 1
    ), message AS (
        INSERT INTO {{graph}}."Message" (properties)
        SELECT row.properties::text::ag_catalog.agtype OPERATOR(ag_catalog.||) ag_catalog.agtype_build_map(
                   'sequence', coalesce((SELECT last FROM earlier), -1) + row.number)
          FROM conversation, json_array_elements(%(rows)s::json) WITH ORDINALITY AS row (properties, number)
        RETURNING id, properties
    ), edge AS (
        INSERT INTO {{graph}}."CONTAINS" (start_id, end_id)
        SELECT conversation.id, message.id FROM conversation, message
    )
    SELECT properties FROM message
""")  # noqa: S608  # values are bound
CHANGE_MESSAGE = Sql(f"""
    UPDATE {{graph}}."Message" SET properties = {CHANGED_PROPERTIES}
     WHERE {equals("id")}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
HAS_MESSAGE = Sql(f"""SELECT 'true' FROM {{graph}}."Message" WHERE {equals("id")}""")  # noqa: S608  # values are bound
