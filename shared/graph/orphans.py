"""The contents that no conversation refers to any more: prompts about users, and the lists of their prefixes' parts.

A prefix that is stored again at the same time can be lost. The conversation then begins a new one, as it does after a
restore without contents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import contents
from shared.graph.statements import Sql, agtype_parameter, property_of, text_parameter

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.graph.connector import Graph

CONVERSATIONS_PER_PAGE = 5_000

_ID = property_of("id")
_IS_RECORD = r"""content ~ '^\["[a-z]+","[0-9a-f]{64}","[0-9a-f]{64}",\['"""
"""A prefix is stored as its mode, and the hashes of its fixed text, its text about the user, and its tools."""

MOMENT = Sql(f"""
    SELECT to_jsonb(clock_timestamp())::text WHERE EXISTS (SELECT 1 FROM {{graph}}.{contents.TABLE} WHERE {_IS_RECORD})
""")  # noqa: S608  # constants
USED = Sql(f"""
    WITH page AS MATERIALIZED (
        SELECT {_ID} AS key, trim(both '"' FROM ({property_of("prefix")})::text) AS hash
          FROM {{graph}}."Conversation" WHERE {_ID} OPERATOR(ag_catalog.>) {agtype_parameter("after")}
         ORDER BY {_ID} LIMIT (%(limit)s)::text::bigint
    )
    SELECT (SELECT key FROM page ORDER BY key DESC LIMIT 1),
           coalesce(jsonb_agg(DISTINCT hash) FILTER (WHERE hash IS NOT NULL), '[]')::text
      FROM page
""")  # noqa: S608  # values are bound
REMOVE_ORPHANS = Sql(f"""
    WITH record AS MATERIALIZED (
        SELECT hash, content::jsonb ->> 2 AS personal,
               stored_at >= {text_parameter("moment")}::timestamptz
               OR hash IN (SELECT jsonb_array_elements_text(%(used)s::jsonb)) AS is_used
          FROM {{graph}}.{contents.TABLE} WHERE {_IS_RECORD}
    ), orphan AS (
        SELECT hash FROM record WHERE NOT is_used
         UNION SELECT personal FROM record WHERE NOT is_used
        EXCEPT SELECT personal FROM record WHERE is_used
    )
    DELETE FROM {{graph}}.{contents.TABLE} WHERE hash IN (SELECT hash FROM orphan)
    RETURNING 'true'
""")  # noqa: S608  # values are bound


async def remove_orphans(graph: Graph, page: int = CONVERSATIONS_PER_PAGE) -> None:
    """Delete the contents that no conversation refers to.

    The conversations are read in pages of this size, so that no statement is longer with more of them.

    Raises:
        GraphUnavailable: the database cannot be reached in time.
    """
    [moments] = await graph.read(MOMENT.bind())
    if not moments:
        return
    used: set[str] = set()
    last: JsonValue = ""
    while last is not None:
        [[(last, *found)]] = await graph.read(USED.bind(after=last, limit=page))
        [hashes] = found
        if isinstance(hashes, list):
            used.update(map(str, hashes))
    [(moment,)] = moments
    await graph.write(REMOVE_ORPHANS.bind(moment=moment, used=[*used]))
