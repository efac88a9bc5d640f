"""Whether the graph can be used: its labels and tables are there, with the rights to read and write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.graph.admission import Priority
from shared.graph.inspection import needed_rights
from shared.graph.statements import Sql, text_parameter

if TYPE_CHECKING:
    from shared.graph.connector import Graph

_MISSING = Sql(f"""
    SELECT to_jsonb(wanted.privilege || ' on ' || wanted.name)::text
      FROM jsonb_to_recordset({text_parameter("wanted")}::jsonb) AS wanted(schema text, name text, privilege text)
      LEFT JOIN pg_namespace namespace ON namespace.nspname = wanted.schema
      LEFT JOIN pg_class class ON class.relnamespace = namespace.oid AND class.relname = wanted.name
     WHERE NOT coalesce(has_schema_privilege(namespace.oid, 'USAGE')
                        AND CASE class.relkind WHEN 'S' THEN has_sequence_privilege(class.oid, wanted.privilege)
                                               ELSE has_table_privilege(class.oid, wanted.privilege) END, false)
    UNION ALL
    SELECT '"write access: the database is read-only"' WHERE current_setting('transaction_read_only') = 'on'""")  # noqa: S608  # a constant text


async def lacking(graph: Graph) -> list[str]:
    """Name what the service cannot do without and lacks, such as `INSERT on Message`; an empty list if all is there.

    Raises:
        GraphError: the database cannot be reached, or it refuses the statement.
    """
    wanted = [{"schema": where, "name": name, "privilege": right} for where, name, right in needed_rights(graph.name)]
    [rows] = await graph.read(_MISSING.bind(wanted=json.dumps(wanted)), priority=Priority.STORING)
    return [str(row[0]) for row in rows]
