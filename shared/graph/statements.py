"""Statements as data: the text is written once, and values are bound to it for each use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.graph import agtype

if TYPE_CHECKING:
    from pydantic import JsonValue

_SCHEMA = "{graph}."


@dataclass(frozen=True, slots=True)
class BoundStatement:
    """A statement with its values."""

    text: str
    values: tuple[str, ...] | dict[str, str]

    def render(self, graph_name: str) -> bytes:
        """Return the SQL with the graph's name, which was validated when the settings were read."""
        return self.text.replace(_SCHEMA, f'"{graph_name}".').replace("{graph}", graph_name).encode()


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

    def bind(self, **parameters: JsonValue) -> BoundStatement:
        """Bind the parameters."""
        return BoundStatement(self.query, {name: agtype.render(value) for name, value in parameters.items()})


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
