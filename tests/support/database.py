"""The database of a run of tests: a graph of its own on a real PostgreSQL with Apache AGE."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg import errors

from local.company.principals import ORGANIZATION_SLUG
from local.embedded_database import embedded_database
from local.seed import seed
from shared.graph.connector import connect
from shared.graph.schema import set_up
from tests.support.background import entered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.graph.connector import Connection


@dataclass(frozen=True, slots=True)
class Database:
    """Where the graph is; tests look into it and write to it beside the service."""

    dsn: str
    graph_name: str

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """Open a connection that knows AGE; every statement commits by itself."""
        async with await connect(self.dsn) as connection:
            await load_age(connection)
            yield connection

    async def cypher(self, query: str, **parameters: Any) -> list[Any]:
        """Run a Cypher statement that returns one column, as JSON; vertices and edges are read by `properties(…)`."""
        text = f"SELECT * FROM ag_catalog.cypher('{self.graph_name}', $$ {query} $$, %s) AS (value ag_catalog.agtype)"  # noqa: S608  # the text is the test's own
        async with self.connected() as connection:
            cursor = await connection.execute(text.encode(), (json.dumps(parameters, ensure_ascii=False),))
            return [None if row[0] is None else json.loads(row[0]) for row in await cursor.fetchall()]

    async def add_user(self, email: str | None = None, *, role: str | None = "developer", **properties: Any) -> str:
        """Add a user, with a role in the demo organization; returns its email."""
        email = email or f"user-{secrets.token_hex(6)}@example.com"
        row = {"id": str(uuid4()), "email": email, "display_name": "Test User", "is_active": True, "is_admin": False}
        row |= properties
        names = ", ".join(f"{name}: ${name}" for name in row)
        await self.cypher(f"CREATE (u:User {{{names}}}) RETURN 1", **row)
        if role is not None:
            await self.cypher(
                "MATCH (u:User), (o:Organization) WHERE u.email = $email AND o.slug = $organization"
                " CREATE (u)-[:MEMBER_OF {role: $role}]->(o) RETURN 1",
                email=email,
                organization=ORGANIZATION_SLUG,
                role=role,
            )
        return email

    async def prepare(self) -> None:
        """Create the graph, its labels, indexes and development users."""
        await set_up(self.dsn, self.graph_name)
        async with self.connected() as connection:
            await seed(connection, self.graph_name)

    async def drop(self) -> None:
        """Drop the graph."""
        async with self.connected() as connection:
            await connection.execute("SELECT ag_catalog.drop_graph(%s, true)", (self.graph_name,))


async def load_age(connection: Connection) -> None:
    """Load AGE for Cypher, unless the server has loaded it and does not allow it again, and set the search path."""
    with contextlib.suppress(errors.InsufficientPrivilege, errors.UndefinedFile):
        await connection.execute("LOAD 'age'")
    await connection.execute('SET search_path = ag_catalog, "$user", public')


def new_graph_name() -> str:
    """Make a name that no other run has."""
    return f"test_{secrets.token_hex(8)}"


@contextmanager
def prepared_database(data_dir: Path) -> Iterator[Database]:
    """Return a graph of its own in POSTGRES_URL, else in an embedded database in the directory; dropped at the end."""
    dsn = os.environ.get("POSTGRES_URL")
    if dsn:
        yield from _prepared(dsn)
    else:
        with entered(embedded_database(data_dir, report=lambda _line: None), "database") as embedded:
            yield from _prepared(embedded)


def _prepared(dsn: str) -> Iterator[Database]:
    database = Database(dsn, new_graph_name())
    asyncio.run(database.prepare())
    yield database
    asyncio.run(database.drop())
