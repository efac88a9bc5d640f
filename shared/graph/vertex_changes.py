"""SQL for new and changed vertices, which are stored as Cypher's CREATE and SET would store them.

Cypher writes find their rows with a scan of the whole table on AGE 1.5. SQL finds them through our indexes on every
version. A new row gets its id from the default of the label's table, as with Cypher. Cypher stores no property whose
value is null, and removes a property that is set to null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

CHANGED_PROPERTIES = """
    (properties OPERATOR(ag_catalog.-) %(removed)s::ag_catalog.agtype)
    OPERATOR(ag_catalog.||) %(changes)s::ag_catalog.agtype"""
"""The SQL expression of a vertex's properties after the changes of `changing`."""


def changing(properties: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the parameters of `CHANGED_PROPERTIES`; a property whose new value is None is removed."""
    removed: list[JsonValue] = [name for name, value in properties.items() if value is None]
    return {"changes": stored(properties), "removed": removed}


def stored(properties: Mapping[str, JsonValue]) -> JsonObject:
    """Return the properties that a new vertex has: those with a value."""
    return {name: value for name, value in properties.items() if value is not None}
