"""The setup of a graph: the objects that it creates, and those that it does not change."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import GraphError, GraphUnavailable
from shared.graph.connector import Graph
from shared.graph.schema import EDGE_LABELS, VERTEX_LABELS, set_up
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.proves("graph.set-up")


@asynccontextmanager
async def new_graph(database: Database) -> AsyncIterator[Database]:
    """Name a graph that is not there yet; dropped at the end."""
    fresh = Database(database.dsn, new_graph_name())
    try:
        yield fresh
    finally:
        await fresh.drop()


async def indexes_of(database: Database) -> dict[str, bool]:
    """Return the names of our indexes and whether they are unique."""
    query = """
        SELECT class.relname, index.indisunique FROM pg_index index
          JOIN pg_class class ON class.oid = index.indexrelid
          JOIN pg_namespace space ON space.oid = class.relnamespace
         WHERE space.nspname = %s AND index.indisvalid AND class.relname LIKE 'imbi_assistant%%'"""
    async with database.connected() as connection:
        cursor = await connection.execute(query.encode(), (database.graph_name,))
        return {str(name): bool(unique) for name, unique in await cursor.fetchall()}


async def test_setup_creates_everything_and_reports_it(database: Database) -> None:
    async with new_graph(database) as graph:
        made: list[str] = []
        await set_up(graph.dsn, graph.graph_name, made.append)
        assert f"graph {graph.graph_name}" in made
        for label in VERTEX_LABELS:
            assert f"vertex label {label}" in made
        for label in EDGE_LABELS:
            assert f"edge label {label}" in made
        indexes = await indexes_of(graph)
        assert indexes["imbi_assistant_Conversation_id"]
        assert indexes["imbi_assistant_Message_conversation_id_sequence"]
        assert await graph.cypher("MATCH (n) RETURN count(n)") == [0]


async def test_a_second_time_nothing_is_made(database: Database) -> None:
    async with new_graph(database) as graph:
        await set_up(graph.dsn, graph.graph_name)
        await graph.cypher("CREATE (c:Conversation {id: 'kept'}) RETURN 1")
        made: list[str] = []
        await set_up(graph.dsn, graph.graph_name, made.append)
        assert made == []
        assert await graph.cypher("MATCH (c:Conversation) RETURN c.id") == ["kept"]


async def test_objects_of_others_are_not_changed(database: Database) -> None:
    async with new_graph(database) as graph:
        async with graph.connected() as connection:
            await connection.execute("SELECT ag_catalog.create_graph(%s)", (graph.graph_name,))
        await graph.cypher(
            "CREATE (u:User {email: 'a'})-[:MEMBER_OF {role: 'b'}]->(:Organization {slug: 'c'}) RETURN 1"
        )
        made: list[str] = []
        await set_up(graph.dsn, graph.graph_name, made.append)
        assert "vertex label User" not in made
        assert "edge label MEMBER_OF" not in made
        assert "vertex label Conversation" in made
        assert await graph.cypher("MATCH (u:User)-[m:MEMBER_OF]->(o) RETURN [u.email, m.role, o.slug]") == [
            ["a", "b", "c"]
        ]


async def test_several_may_set_up_at_once(database: Database) -> None:
    async with new_graph(database) as graph:
        await asyncio.gather(*(set_up(graph.dsn, graph.graph_name) for _ in range(3)))
        made: list[str] = []
        await set_up(graph.dsn, graph.graph_name, made.append)
        assert made == []


async def test_rows_that_share_an_id_do_not_stand_in_the_way(database: Database) -> None:
    """They stay readable, and the index that cannot be unique is an ordinary one."""
    async with new_graph(database) as graph:
        async with graph.connected() as connection:
            await connection.execute("SELECT ag_catalog.create_graph(%s)", (graph.graph_name,))
        for _ in range(2):
            await graph.cypher("CREATE (m:Message {conversation_id: 'a', sequence: 1, id: 'b'}) RETURN 1")
        await set_up(graph.dsn, graph.graph_name)
        indexes = await indexes_of(graph)
        assert indexes["imbi_assistant_Conversation_id"]
        assert indexes["imbi_assistant_Message_id"] is False
        assert indexes["imbi_assistant_Message_conversation_id_sequence"] is False
        assert await graph.cypher("MATCH (m:Message) WHERE m.id = 'b' RETURN count(m)") == [2]


async def test_a_missing_database_is_reported_in_one_line() -> None:
    with pytest.raises(GraphUnavailable) as refused:
        await set_up("postgresql://nobody@127.0.0.1:1/none", "imbi")
    assert "\n" not in str(refused.value)


async def test_a_refusal_of_the_database_is_reported_in_one_line(database: Database) -> None:
    with pytest.raises(GraphError) as refused:
        await set_up(database.dsn, "1 no name for a graph")
    assert "\n" not in str(refused.value)
    assert not isinstance(refused.value, GraphUnavailable)


async def test_the_service_works_on_what_setup_created(database: Database) -> None:
    async with new_graph(database) as graph:
        await graph.prepare()
        reader = Graph(graph.dsn, graph.graph_name)
        await reader.open()
        try:
            assert len(await graph.cypher("MATCH (u:User) RETURN u.email")) == 3
        finally:
            await reader.aclose()
