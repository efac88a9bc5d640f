"""Statements as data: a text written once, bound to values for each use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.graph import agtype

if TYPE_CHECKING:
    from pydantic import JsonValue

_SCHEMA = "{graph}."


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement with its values."""

    text: str
    values: tuple[str, ...] | dict[str, str]

    def rendered(self, graph_name: str) -> bytes:
        """Name the graph in the text; graph names are checked when the settings are read."""
        return self.text.replace(_SCHEMA, f'"{graph_name}".').replace("{graph}", graph_name).encode()


@dataclass(frozen=True, slots=True)
class Cypher:
    """A Cypher statement, its parameters bound as one JSON text.

    A missing parameter is silently null in AGE, so every use names all that the text has. Properties are compared with
    `WHERE n.key = $key`: an inline map would become a containment that no B-tree index serves.
    """

    query: str
    columns: tuple[str, ...] = ("result",)

    def bind(self, **parameters: JsonValue) -> Bound:
        """Bind the parameters."""
        columns = ", ".join(f"{name} ag_catalog.agtype" for name in self.columns)
        text = f"SELECT * FROM ag_catalog.cypher('{{graph}}', $$ {self.query} $$, %s) AS ({columns})"  # noqa: S608  # the text is a constant, values are bound
        return Bound(text, (agtype.render(parameters),))


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL statement over the graph's label tables; every parameter is bound as an agtype's text."""

    query: str

    def bind(self, **parameters: JsonValue) -> Bound:
        """Bind the parameters."""
        return Bound(self.query, {name: agtype.render(value) for name, value in parameters.items()})


def property_of(name: str, table: str = "") -> str:
    """Write the SQL expression of a vertex's or edge's property, in the form that the indexes have."""
    owner = f"{table}." if table else ""
    return f"""ag_catalog.agtype_access_operator({owner}properties, '"{name}"'::ag_catalog.agtype)"""
