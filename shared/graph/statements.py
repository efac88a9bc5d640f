"""Statements as data: the text is written once, and values are bound to it for each use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.graph import agtype

if TYPE_CHECKING:
    from pydantic import JsonValue

_SCHEMA = "{graph}."
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s")
_MOST_TEXTS = 1024


@dataclass(frozen=True, slots=True)
class BoundStatement:
    """A statement with its values."""

    text: str
    values: tuple[bytes, ...] | dict[str, bytes]
    is_raw: bool = False
    """Whether the values of its rows stay texts, which the reader parses itself."""

    def render(self, graph_name: str) -> tuple[bytes, list[bytes]]:
        """Return the SQL with the graph's name and PostgreSQL's placeholders (`$1`), and the values in their order.

        The graph's name was validated when the settings were read.
        """
        text, names = _numbered(self.text, graph_name)
        if isinstance(self.values, dict):
            return text, [self.values[name] for name in names]
        return text, [*self.values]


@lru_cache(_MOST_TEXTS)
def _numbered(text: str, graph_name: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a text with numbered placeholders, and the name of each; each place without a name is another value."""
    names: list[str] = []

    def number(place: re.Match[str]) -> str:
        name = place[1] or f"{len(names)}."
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    named = text.replace(_SCHEMA, f'"{graph_name}".').replace("{graph}", graph_name)
    return _PLACEHOLDER.sub(number, named).encode(), tuple(names)


@dataclass(frozen=True, slots=True)
class Cypher:
    """A Cypher statement, whose parameters are bound as one JSON text.

    AGE treats a missing parameter as null without an error, so every use must bind all parameters of the text.
    Properties are compared with `WHERE n.key = $key`. AGE turns an inline map, `(n {key: $key})`, into a containment
    test that no B-tree index serves.
    """

    query: str
    columns: tuple[str, ...] = ("result",)

    def bind(self, **parameters: JsonValue) -> BoundStatement:
        """Bind the parameters."""
        columns = ", ".join(f"{name} ag_catalog.agtype" for name in self.columns)
        text = f"SELECT * FROM ag_catalog.cypher('{{graph}}', $$ {self.query} $$, %s) AS ({columns})"  # noqa: S608  # the text is a constant, values are bound
        return BoundStatement(text, (agtype.render(parameters),))


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL statement over the tables of the graph's schema; every parameter is bound as JSON text."""

    query: str
    is_raw: bool = False
    """As in BoundStatement."""

    def bind(self, **parameters: JsonValue) -> BoundStatement:
        """Bind the parameters."""
        values = {name: agtype.render(value) for name, value in parameters.items()}
        return BoundStatement(self.query, values, self.is_raw)


def property_of(name: str, table: str = "") -> str:
    """Return the SQL expression of a vertex's or edge's property, in the form that the indexes use."""
    prefix = f"{table}." if table else ""
    return f"""ag_catalog.agtype_access_operator({prefix}properties, '"{name}"'::ag_catalog.agtype)"""


def agtype_parameter(name: str) -> str:
    """Return the SQL expression of a parameter as an agtype, for comparison with a property."""
    return f"%({name})s::ag_catalog.agtype"


def equals(name: str, parameter: str | None = None, table: str = "") -> str:
    """Return the SQL condition that a property equals a parameter, which has the property's name by default.

    The operator has its schema, so that the statement needs no search path. An index serves the condition.
    """
    return f"{property_of(name, table)} OPERATOR(ag_catalog.=) {agtype_parameter(parameter or name)}"


def is_not_true(name: str, table: str = "") -> str:
    """Return the SQL condition that a property is not the value true; it may be missing."""
    return f"NOT coalesce({property_of(name, table)} OPERATOR(ag_catalog.=) 'true'::ag_catalog.agtype, false)"


def text_parameter(name: str) -> str:
    """Return the SQL expression of a parameter as a plain text, for the columns of ordinary tables."""
    return f"(%({name})s::jsonb #>> '{{}}')"
