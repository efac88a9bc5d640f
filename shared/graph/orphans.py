"""The contents that no conversation refers to any more: prompts about users, and the lists of their prefixes' parts.

A prefix that is stored again at the same time can be lost. The conversation then begins a new one, as it does after a
restore without contents.
"""

from __future__ import annotations

from shared.graph import contents
from shared.graph.statements import Sql, property_of

_PREFIX = property_of("prefix")
_IS_RECORD = r"""content ~ '^\["[a-z]+","[0-9a-f]{64}","[0-9a-f]{64}",\['"""
"""A prefix is stored as its mode, and the hashes of its fixed text, its text about the user, and its tools."""

REMOVE_ORPHANS = Sql(f"""
    WITH used AS MATERIALIZED (
        SELECT DISTINCT trim(both '"' FROM ({_PREFIX})::text) AS hash
          FROM {{graph}}."Conversation" WHERE {_PREFIX} IS NOT NULL
    ), record AS MATERIALIZED (
        SELECT hash, content::jsonb ->> 2 AS personal, hash IN (SELECT hash FROM used) AS is_used
          FROM {{graph}}.{contents.TABLE} WHERE {_IS_RECORD}
    ), orphan AS (
        SELECT hash FROM record WHERE NOT is_used
         UNION SELECT personal FROM record WHERE NOT is_used
        EXCEPT SELECT personal FROM record WHERE is_used
    )
    DELETE FROM {{graph}}.{contents.TABLE} WHERE hash IN (SELECT hash FROM orphan)
    RETURNING 'true'
""")  # noqa: S608  # constants
