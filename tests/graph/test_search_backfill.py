"""Conversations that were stored before the search was there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from shared.domain.search_query import parse_query
from shared.graph.connector import Graph
from shared.graph.schema import set_up
from shared.graph.search import ConversationSearch
from shared.graph.search_backfill import make_findable
from tests.support.database import Database, new_graph_name
from tests.support.model_server import reply, text
from tests.support.multitude import add_conversations
from tests.support.old_rows import TIME, Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.proves("search.backfill")

RESULT = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "marmot"}]
ASKED = {"role": "user", "content": "<context>walrus</context>\nWho shipped the octopus?"}
ANSWERED = {"role": "assistant", "content": "The team **Otter** did."}


async def found(client: Client, q: str) -> list[str]:
    return [str(each["id"]) for each in await client.list(q=q)]


async def test_old_conversations_are_found_after_the_set_up(new_client: NewClient, database: Database) -> None:
    client = await new_client()
    old = await Writer(database, client.email).write(
        ASKED,
        ANSWERED,
        {"role": "user", "content": "marmot", "tool_results": RESULT},
        {"role": "user", "content": "badger", "is_superseded": True},
        {"role": "assistant", "content": "At noon.", "created_at": "some day"},
        title="Sea creatures",
    )
    untitled = await Writer(database, client.email).write(ASKED, ANSWERED, title=None)
    assert await found(client, "octopus") == []
    assert await make_findable(database.dsn, database.graph_name) >= 2
    assert await found(client, "creatures octopus otter noon") == [old]
    assert sorted(await found(client, "octopus")) == sorted([old, untitled])
    for word in ("walrus", "marmot", "badger"):
        assert await found(client, word) == [], word
    assert await make_findable(database.dsn, database.graph_name) == 0


async def test_what_another_service_has_added_since_is_found_too(
    new_client: NewClient, database: Database, model_server: ModelServer
) -> None:
    client = await new_client()
    conversation = await client.begin()
    model_server.script(reply(text("Seven.")))
    await client.ask(conversation, "How many lynxes?")
    await database.cypher(
        "MATCH (c:Conversation) WHERE c.id = $id CREATE (c)-[:CONTAINS]->(m:Message {id: 'odd id',"
        " conversation_id: $id, role: 'assistant', content: 'And a gecko.', sequence: 2, created_at: $time}) RETURN 1",
        time=TIME,
        id=conversation,
    )
    await make_findable(database.dsn, database.graph_name)
    assert await found(client, "lynxes gecko") == [conversation]


@pytest.fixture
async def large(database: Database) -> AsyncIterator[Database]:
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    yield own
    await own.drop()


@pytest.mark.slow
async def test_an_interrupted_set_up_goes_on_where_it_was(large: Database) -> None:
    email = "hoarder@example.com"
    await add_conversations(large, email, 1_100, 2)
    await add_conversations(large, "talker@example.com", 1, 130)
    running = asyncio.create_task(make_findable(large.dsn, large.graph_name))
    async with large.connected() as connection:
        table = f'SELECT count(DISTINCT conversation_id)::text FROM "{large.graph_name}".imbi_assistant_search'  # noqa: S608  # the test's own
        done = 0
        async with asyncio.timeout(60):
            while done < 100:
                [(count,)] = await (await connection.execute(table.encode())).fetchall()
                done = int(str(count))
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    rest = await make_findable(large.dsn, large.graph_name)
    assert 0 < rest <= 1_101 - done + 1
    graph = Graph(large.dsn, large.graph_name)
    try:
        search = ConversationSearch(graph)
        query = parse_query("late projects question")
        for user, conversations in ((email, 1_100), ("talker@example.com", 1)):
            hits = await search.search(user, query, limit=2_000, offset=0, include_archived=True)
            assert len(hits) == conversations
    finally:
        await graph.aclose()
    assert await make_findable(large.dsn, large.graph_name) == 0
