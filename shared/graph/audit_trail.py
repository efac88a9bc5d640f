"""The reading of the audit: pages by filters, and the calls that killed processes have left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from shared.graph import audit, audit_texts, call_intents
from shared.graph.statements import Sql, text_parameter
from shared.util import clock

if TYPE_CHECKING:
    from datetime import date, datetime

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement

_EQUAL = {
    "user": "user_email",
    "conversation": "conversation_id",
    "tool": "tool",
    "source": "source",
    "status": "status",
}
"""The column of each filter."""
_DAY = f"{text_parameter('day')}::date"
_BEFORE = f"(day, position) < ({_DAY}, (%(position)s)::text::bigint)"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a row in the audit: its UTC day, and its position from 1 within the day."""

    day: date
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows are wanted; None leaves a filter out."""

    user: str | None = None
    conversation: str | None = None
    tool: str | None = None
    source: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: Place | None = None
    """Only rows behind this one in the list, which begins with the newest."""


class AuditTrail:
    """The audit's rows.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def page(self, wanted: AuditFilter, limit: int) -> list[JsonObject]:
        """Return the newest rows that the filter allows, each with its day, position and hash.

        Calls that a killed process has left get their rows first.
        """
        await self.collect()
        [rows] = await self._graph.read(_page(wanted, limit))
        return [
            {
                "day": day,
                "position": position,
                "hash": hash_,
                **audit_texts.joined(orjson.loads(str(record)), None if text is None else str(text)),
            }
            for day, position, hash_, record, text in rows
        ]

    async def collect(self) -> None:
        """Write the rows of calls whose process was killed, and forget the calls of which nobody has to be told."""
        await self._graph.transaction(call_intents.TAKE_LEASES.bind(), call_intents.ABANDONED.bind(), last=_collected)
        await self._graph.transaction(call_intents.FORGET.bind(), call_intents.FORGET_READINGS.bind())


def _collected(results: list[Rows]) -> list[BoundStatement]:
    _, rows = results
    return call_intents.abandoned(rows)


def _page(wanted: AuditFilter, limit: int) -> BoundStatement:
    conditions = ["true"]
    values: dict[str, JsonValue] = {"limit": limit}
    for name, column in _EQUAL.items():
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(f"{column} = {text_parameter(name)}")
            values[name] = value
    if wanted.since is not None:
        # A row is stored after its call began, so earlier days have no such rows.
        conditions += [f"at >= {text_parameter('since')}", f"day >= {text_parameter('first_day')}::date"]
        values |= {"since": clock.to_text(wanted.since), "first_day": str((wanted.since - timedelta(days=1)).date())}
    if wanted.until is not None:
        conditions.append(f"at < {text_parameter('until')}")
        values["until"] = clock.to_text(wanted.until)
    if wanted.before is not None:
        conditions.append(_BEFORE)
        values |= {"day": str(wanted.before.day), "position": wanted.before.position}
    return Sql(f"""
        SELECT to_jsonb(to_char(day, 'YYYY-MM-DD'))::text, position::text, to_jsonb(hash)::text, to_jsonb(record)::text,
               (SELECT to_jsonb(content)::text FROM {{graph}}.{audit_texts.TABLE} AS text
                 WHERE text.hash = (row.record::jsonb) ->> '{audit_texts.HASH}')
          FROM {{graph}}.{audit.TABLE} AS row WHERE {" AND ".join(conditions)}
         ORDER BY row.day DESC, row.position DESC LIMIT (%(limit)s)::text::bigint
    """).bind(**values)  # noqa: S608  # the columns are constants, values are bound
