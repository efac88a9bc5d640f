"""Searches of many users with the same words: each finds its own conversations only."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from psycopg import errors

from shared.domain.models import Message
from shared.domain.search_query import parse_query
from shared.graph.connector import Graph
from shared.graph.schema import set_up
from shared.graph.search import SEARCH, TABLE, ConversationSearch, written
from shared.graph.search_vectors import vectors
from tests.support.database import Database, new_graph_name
from tests.support.multitude import add_conversations
from tests.support.statement_plans import generic_plan_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.proves("search.own-only")

USERS = tuple(f"user-{number}@example.com" for number in range(20))
WORDS = (
    *("rollback", "deployment", "of", "checkout", "failed", "release"),
    *("部署", "失败", "Zürich", "incident", "v1.2", "team-a"),
)
FORMS = ("{0}", "{0} {1}", '"{0} {1}"', "{0} -{1}", "-{0}", "{0} OR {1}", "{0[0]}", "{0} {1[0]}")


@pytest.fixture(scope="module")
async def graph(database: Database, anyio_backend: str) -> AsyncIterator[Graph]:  # noqa: ARG001  # a module's fixture needs the module's loop
    """Give each user three conversations of random words."""
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    opened = Graph(own.dsn, own.graph_name)
    chance = random.Random(5)  # noqa: S311  # no secret
    for email in USERS:
        await add_conversations(own, email, 3, 2)
    rows = await own.cypher("MATCH (c:Conversation) RETURN [c.id, c.user_email]")
    for conversation, email in rows:
        text = " ".join(chance.choices(WORDS, k=8))
        message = Message(id=uuid4(), role="user", content=text, created_at=datetime.now(UTC))
        for statement in written(conversation, email, [message]):
            await opened.write(statement)
    yield opened
    await opened.aclose()
    await own.drop()


async def tried(graph: Graph, tries: int) -> int:
    """Search for random words as random users; returns the number of hits."""
    chance = random.Random(tries)  # noqa: S311  # no secret
    search = ConversationSearch(graph)
    hits = 0
    for _ in range(tries):
        email = chance.choice(USERS)
        text = chance.choice(FORMS).format(*chance.sample(WORDS, 2))
        least = chance.choice([None, 1])
        found = await search.search(email, parse_query(text), limit=100, offset=0, include_archived=True, least=least)
        assert {each.conversation.user_email for each in found} <= {email}, text
        hits += len(found)
    return hits


async def test_no_search_finds_what_is_anothers(graph: Graph) -> None:
    assert await tried(graph, 200) > 200


@pytest.mark.slow
async def test_ten_thousand_searches_find_nothing_of_others(graph: Graph) -> None:
    hits = await tried(graph, 10_000)
    print(f"10,000 searches found {hits:,} conversations, none of another user")  # noqa: T201  # `pytest -s` shows it
    assert hits > 10_000


async def test_users_whose_keys_are_equal_find_nothing_of_each_other(graph: Graph, database: Database) -> None:
    search = ConversationSearch(graph)
    mine, yours = USERS[:2]
    query = parse_query("rollback OR deployment OR checkout OR release")
    page = {"limit": 100, "offset": 0}
    before = await search.search(mine, query, **page, include_archived=True)
    copied = f"""
        INSERT INTO "{graph.name}".{TABLE} SELECT conversation_id, 'copy', part, %s, weight, written_at, words
          FROM "{graph.name}".{TABLE} WHERE owner = %s"""  # noqa: S608  # the test's own
    async with database.connected() as connection:
        await connection.execute(copied.encode(), (yours, mine))
    assert before
    assert await search.search(mine, query, **page, include_archived=True) == before
    found = await search.search(yours, query, **page, include_archived=True)
    assert {each.conversation.user_email for each in found} <= {yours}


FREQUENT = 20_000
"""So many texts of others have a frequent word."""
FILLED = """
    INSERT INTO "{graph}".{table}
    SELECT 'frequent-' || number / 10, number::text, 0, %s || number, 0.2, now(), %s::tsvector
      FROM generate_series(1, {count}) number"""


async def test_a_plan_for_any_words_compares_no_hits_one_by_one(graph: Graph, database: Database) -> None:
    """Nested loops over the hits took four times as long as the search itself for a word that 10,000 texts have."""
    own = Database(database.dsn, graph.name)
    text = FILLED.format(graph=graph.name, table=TABLE, count=FREQUENT)
    async with own.connected() as connection:
        await connection.execute(text.encode(), ("frequent@example.com/", next(vectors("x", "frequent word"))))
        await connection.execute(f'ANALYZE "{graph.name}".{TABLE}'.encode())
    try:
        nodes = await generic_plan_of(own, SEARCH)
    except errors.SyntaxError:
        pytest.skip("PostgreSQL 15 does not explain generic plans")
    inner = [node["Plans"][1] for node in nodes if node["Node Type"] == "Nested Loop"]
    assert inner
    assert all("Conversation" in str(node) for node in inner)
