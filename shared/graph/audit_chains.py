"""The verification and the pruning of the audit's chains, one for each UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.graph import audit, audit_days, audit_texts
from shared.graph.statements import Sql, text_parameter

if TYPE_CHECKING:
    from shared.graph.connector import Graph

_BATCH = 2_000
_DAY = f"{text_parameter('day')}::date"

_DAYS = Sql(f"""
    SELECT to_jsonb(to_char(day, 'YYYY-MM-DD'))::text FROM {{graph}}.{audit_days.TABLE}
     UNION SELECT to_jsonb(to_char(day, 'YYYY-MM-DD'))::text FROM {{graph}}.{audit.TABLE} ORDER BY 1
""")  # noqa: S608  # constants
_END = Sql(f"""
    SELECT position::text, to_jsonb(hash)::text FROM {{graph}}.{audit_days.TABLE} WHERE day = {_DAY}
""")  # noqa: S608  # constants
_ROWS = Sql(f"""
    SELECT position::text, to_jsonb(row.hash)::text, to_jsonb(record)::text,
           to_jsonb(text.hash = encode(sha256(convert_to(text.content, 'UTF8')), 'hex'))::text
      FROM {{graph}}.{audit.TABLE} AS row
      LEFT JOIN {{graph}}.{audit_texts.TABLE} AS text ON text.hash = (row.record::jsonb) ->> '{audit_texts.HASH}'
     WHERE day = {_DAY} AND position > (%(after)s)::text::bigint
     ORDER BY row.position LIMIT (%(limit)s)::text::bigint
""")  # noqa: S608  # constants
_DELETE_ROWS = Sql(f"""
    WITH deleted AS (DELETE FROM {{graph}}.{audit.TABLE} WHERE day = {_DAY} RETURNING 1)
    SELECT count(*)::text FROM deleted
""")  # noqa: S608  # constants
_DELETE_TEXTS = Sql(f"""
    DELETE FROM {{graph}}.{audit_texts.TABLE}
     WHERE hash IN (SELECT (record::jsonb) ->> '{audit_texts.HASH}' FROM {{graph}}.{audit.TABLE} WHERE day = {_DAY})
    RETURNING 'true'
""")  # noqa: S608  # constants
_DELETE_END = Sql(f"DELETE FROM {{graph}}.{audit_days.TABLE} WHERE day = {_DAY} RETURNING 'true'")  # noqa: S608  # constants
_DELETE_DAY = (_DELETE_TEXTS, _DELETE_END, _DELETE_ROWS)


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain of a day: its number of rows, its last hash, and what is wrong with it, or None."""

    day: date
    rows: int
    hash: str
    problem: str | None


class AuditChains:
    """The chains of all days.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def days(self) -> list[date]:
        """Return the days that have rows or an end, in order."""
        [rows] = await self._graph.read(_DAYS.bind())
        return [date.fromisoformat(str(day)) for (day,) in rows]

    async def verify(self, day: date) -> Chain:
        """Compute a day's chain again and compare it with what is stored.

        Rows that are removed, changed, added or exchanged show, and so does an end that does not match the rows. The
        arguments of a row may be erased, but not changed.
        """
        # The end is read first: rows that are appended meanwhile come behind it.
        [end] = await self._graph.read(_END.bind(day=str(day)))
        position, previous = 0, _beginning(day)
        reached = previous if end == [(0, previous)] else None
        while True:
            [rows] = await self._graph.read(_ROWS.bind(day=str(day), after=position, limit=_BATCH))
            for row_position, hash_, record, is_unchanged in rows:
                position += 1
                previous = sha256((previous + str(record)).encode()).hexdigest()
                if row_position != position:
                    return Chain(day, position - 1, previous, f"Row {position} is missing.")
                if hash_ != previous:
                    return Chain(day, position, previous, f"Row {position} or one before it was changed.")
                if is_unchanged is False:
                    return Chain(day, position, previous, f"The arguments of row {position} were changed.")
                reached = previous if end and end[0][0] == position else reached
            if len(rows) < _BATCH:
                break
        if not end:
            return Chain(day, position, previous, "The end of the day's chain is missing.")
        problem = None if end[0][1] == reached else f"The chain should end with row {end[0][0]} and another hash."
        return Chain(day, position, previous, problem)

    async def prune(self, before: date) -> int:
        """Delete all days before one, whole; return their number. This needs the right to delete rows.

        Raises:
            GraphError: the role lacks the right.
        """
        old = [day for day in await self.days() if day < before]
        for day in old:
            await self._graph.transaction(*(each.bind(day=str(day)) for each in _DELETE_DAY))
        return len(old)


def _beginning(day: date) -> str:
    return sha256(f"{audit_days.BEGINNING}{day.isoformat()}".encode()).hexdigest()
