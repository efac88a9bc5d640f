"""The statements that delete conversations in bounded steps.

A deletion begins when a conversation loses its owner: from then on it exists for nobody. Its messages follow in
batches. The missing owner also marks a deletion that was interrupted, so that it can be continued.
"""

from __future__ import annotations

from shared.graph.statements import Sql, agtype_parameter, equals, property_of
from shared.graph.vertex_changes import CHANGED_PROPERTIES

_OF_ID = equals("id")
_LIMIT = "LIMIT (%(limit)s)::text::bigint"
_IDLE = f"""{property_of("updated_at")} OPERATOR(ag_catalog.<) {agtype_parameter("before")}
        AND {property_of("user_email")} IS NOT NULL"""
_BEGUN = f"{property_of('user_email')} IS NULL AND {property_of('deleted_at')} IS NOT NULL"

BEGIN = Sql(f"""
    UPDATE {{graph}}."Conversation" SET properties = {CHANGED_PROPERTIES}
     WHERE {_OF_ID} AND {equals("user_email", "email")}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
BEGIN_IF_IDLE = Sql(f"""
    UPDATE {{graph}}."Conversation" SET properties = {CHANGED_PROPERTIES}
     WHERE {_OF_ID} AND {_IDLE}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
DETACH = Sql(f"""
    DELETE FROM {{graph}}."HAS_CONVERSATION"
     WHERE end_id OPERATOR(ag_catalog.=) ANY (ARRAY(SELECT id FROM {{graph}}."Conversation" WHERE {_OF_ID}))
    RETURNING 'true'
""")  # noqa: S608  # values are bound
FIND_IDLE = Sql(f"""
    SELECT {property_of("id")} FROM {{graph}}."Conversation" WHERE {_IDLE} ORDER BY {property_of("updated_at")} {_LIMIT}
""")  # noqa: S608  # values are bound
FIND_OF = Sql(f"""
    SELECT {property_of("id")} FROM {{graph}}."Conversation" WHERE {equals("user_email", "email")}
     ORDER BY {property_of("user_email")}, {property_of("updated_at")}, {property_of("id")} {_LIMIT}
""")  # noqa: S608  # values are bound
FIND_BEGUN = Sql(f"""
    SELECT {property_of("id")} FROM {{graph}}."Conversation" WHERE {_BEGUN} {_LIMIT}
""")  # noqa: S608  # values are bound
DELETE_MESSAGES = Sql(f"""
    WITH doomed AS (
        SELECT ctid AS place, id FROM {{graph}}."Message"
         WHERE {equals("conversation_id", "id")}
           AND EXISTS (SELECT 1 FROM {{graph}}."Conversation" WHERE {_OF_ID} AND {_BEGUN})
         {_LIMIT}
    ), edge AS (
        DELETE FROM {{graph}}."CONTAINS" WHERE end_id OPERATOR(ag_catalog.=) ANY (ARRAY(SELECT id FROM doomed))
    ), message AS (
        DELETE FROM {{graph}}."Message" WHERE ctid = ANY (ARRAY(SELECT place FROM doomed)) RETURNING 1
    )
    SELECT count(*)::text FROM message
""")  # noqa: S608  # values are bound
DELETE = Sql(f"""
    WITH edge AS (
        DELETE FROM {{graph}}."CONTAINS"
         WHERE start_id OPERATOR(ag_catalog.=)
               ANY (ARRAY(SELECT id FROM {{graph}}."Conversation" WHERE {_OF_ID} AND {_BEGUN}))
    )
    DELETE FROM {{graph}}."Conversation" WHERE {_OF_ID} AND {_BEGUN}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
