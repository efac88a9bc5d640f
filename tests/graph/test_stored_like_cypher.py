"""Vertices and edges that the service writes with SQL, compared with those that Cypher writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from shared.domain.models import Additions, Conversation, HistoryEdits, KeyRecord, Lease, Message
from shared.graph import mapping
from shared.graph.connector import Graph
from shared.graph.conversations import Conversations
from shared.graph.principals import Principals
from shared.graph.turns import Asking, Ending, Record, Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.domain.models import JsonObject, Role
    from tests.support.database import Database

pytestmark = pytest.mark.proves("graph.as-cypher")

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
HOSTILE = "$$ 'quote' \"double\" \\ {brace} %s %(x)s ::numeric \n\t é 🦜 null"

CREATE_CONVERSATION = """
    MATCH (user:User) WHERE user.email = $user_email
    CREATE (user)-[:HAS_CONVERSATION]->(conversation:Conversation {
        id: $id, user_email: $user_email, title: $title, created_at: $created_at, updated_at: $updated_at,
        model: $model, is_archived: $is_archived})
    RETURN 1"""
CREATE_MESSAGE = """
    MATCH (conversation:Conversation) WHERE conversation.id = $conversation_id
    CREATE (conversation)-[:CONTAINS]->(message:Message {
        id: $id, conversation_id: $conversation_id, role: $role, content: $content, tool_use: $tool_use,
        tool_results: $tool_results, created_at: $created_at, sequence: $sequence, token_usage: $token_usage,
        blocks: $blocks, additions: $additions, is_partial: $is_partial, idempotency_key: $idempotency_key,
        outcome: $outcome})
    RETURN 1"""
CONVERSATION = """
    MATCH (user:User)-[has:HAS_CONVERSATION]->(conversation:Conversation) WHERE conversation.id = $id
    RETURN [user.email, label(has), properties(has), label(conversation), keys(conversation), properties(conversation)]
"""
MESSAGES = """
    MATCH (conversation:Conversation)-[edge:CONTAINS]->(message:Message) WHERE conversation.id = $id
    RETURN [label(edge), properties(edge), label(message), keys(message), properties(message)]
    ORDER BY message.sequence
"""
ODD = """
    MATCH (message:Message) WHERE message.conversation_id = $id
    RETURN [message.sequence + 1, message.tool_use IS NULL, exists(message.token_usage), message.content = $content]
    ORDER BY message.sequence
"""


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Graph]:
    opened = Graph(database.dsn, database.graph_name)
    yield opened
    await opened.aclose()


def new_conversation(email: str, title: str | None = None) -> Conversation:
    return Conversation(uuid4(), email, title, NOW, NOW, "claude-sonnet-4-6", is_archived=False)


async def create_with_cypher(database: Database, conversation: Conversation) -> None:
    assert await database.cypher(CREATE_CONVERSATION, **mapping.conversation_properties(conversation)) == [1]


def messages() -> list[Message]:
    call: JsonObject = {"id": "call", "name": "tool", "input": {"a": [1, 1.5, None, True]}}
    result: JsonObject = {"type": "tool_result", "tool_use_id": "call", "content": HOSTILE}
    return [
        new_message("user", HOSTILE, idempotency_key="a key", outcome={}),
        new_message("assistant", "", tool_use=(call,), token_usage={"input_tokens": 2**53}),
        new_message("user", "", tool_results=(result,)),
        new_message("assistant", "cut", is_partial=True, additions=Additions(("a",), (), {"b": 1})),
    ]


def new_message(role: Role, content: str, **fields: Any) -> Message:
    return Message(id=uuid4(), role=role, content=content, created_at=NOW, **fields)


def without_ids(rows: list[Any]) -> list[Any]:
    """Return rows without the ids of vertices, which are the only difference that is meant."""
    for row in rows:
        row[-1] = {name: value for name, value in row[-1].items() if name not in {"id", "conversation_id"}}
    return rows


async def begin_and_finish(graph: Graph, conversation: Conversation, stored: list[Message]) -> None:
    lease = Lease(conversation.id, uuid4())
    turns = Turns(graph)
    await turns.begin(lease, conversation.user_email, stored[0], Asking("", None, 10))
    await turns.append(lease, conversation.user_email, stored[1:3])
    await turns.finish(lease, conversation.user_email, stored[3:], Ending(stored[0].id, "{}"))


@pytest.mark.parametrize("title", [None, HOSTILE])
async def test_a_conversation_and_its_edge_are_as_cypher_makes_them(
    graph: Graph, database: Database, title: str | None
) -> None:
    email = await database.add_user()
    by_sql, by_cypher = new_conversation(email, title), new_conversation(email, title)
    assert await Conversations(graph).create(by_sql) == by_sql
    await create_with_cypher(database, by_cypher)
    written = [await database.cypher(CONVERSATION, id=str(each.id)) for each in (by_sql, by_cypher)]
    assert written[0][0][-1]["id"] == str(by_sql.id)
    assert without_ids(written[0]) == without_ids(written[1])


async def test_messages_and_their_edges_are_as_cypher_makes_them(graph: Graph, database: Database) -> None:
    email = await database.add_user()
    by_sql, by_cypher = new_conversation(email), new_conversation(email)
    stored = messages()
    for conversation in (by_sql, by_cypher):
        await create_with_cypher(database, conversation)
    await begin_and_finish(graph, by_sql, stored)
    for sequence, message in enumerate(stored):
        row = mapping.message_properties(message) | {"id": str(uuid4()), "conversation_id": str(by_cypher.id)}
        await database.cypher(CREATE_MESSAGE, sequence=sequence, **row)
    ids = {"content": HOSTILE}
    odd = [await database.cypher(ODD, id=str(each.id), **ids) for each in (by_sql, by_cypher)]
    written = [await database.cypher(MESSAGES, id=str(each.id)) for each in (by_sql, by_cypher)]
    assert [row[-1]["id"] for row in written[0]] == [str(message.id) for message in stored]
    assert without_ids(written[0]) == without_ids(written[1])
    assert odd[0] == odd[1]
    assert odd[0][0] == [1, True, False, True]


async def test_the_messages_of_another_writer_are_continued(graph: Graph, database: Database) -> None:
    conversation = new_conversation(await database.add_user())
    await create_with_cypher(database, conversation)
    for sequence in (0, 1.0, None):
        row = mapping.message_properties(new_message("user", "Hi"))
        await database.cypher(CREATE_MESSAGE, sequence=sequence, conversation_id=str(conversation.id), **row)
    lease = Lease(conversation.id, uuid4())
    await Turns(graph).begin(lease, conversation.user_email, new_message("user", "Hi"), Asking("", None, 10))
    rows = await database.cypher(MESSAGES, id=str(conversation.id))
    assert [row[-1].get("sequence") for row in rows if "sequence" in row[-1]] == [0, 1, 2]


async def test_changes_are_as_cyphers_set_makes_them(graph: Graph, database: Database) -> None:
    email = await database.add_user()
    conversation = await Conversations(graph).create(new_conversation(email))
    [question, *_] = messages()
    lease = Lease(conversation.id, uuid4())
    await Turns(graph).begin(lease, email, question, Asking("", None, 10))
    record = Record(question.id, Additions((HOSTILE,), (), None), HOSTILE, HistoryEdits(), {})
    await Turns(graph).finish(lease, email, [], Ending(question.id, "{}"), record)
    assert await Conversations(graph).suggest_title(conversation.id, email, HOSTILE)
    assert not await Conversations(graph).suggest_title(conversation.id, email, "Too late")
    await Conversations(graph).update(conversation.id, email, is_archived=True)
    by_sql = await database.cypher(CONVERSATION, id=str(conversation.id))
    [message_by_sql] = await database.cypher(MESSAGES, id=str(conversation.id))
    assert by_sql[0][-1] | {"updated_at": ""} == mapping.conversation_properties(conversation) | {
        "title": HOSTILE,
        "is_archived": True,
        "updated_at": "",
        "prefix": HOSTILE,
        "edits": mapping.edits_text(HistoryEdits()),
    }
    assert message_by_sql[-1]["outcome"] == "{}"
    assert message_by_sql[-1]["additions"] == mapping.additions_text(record.additions)
    for label, row in (("Conversation", by_sql[0]), ("Message", message_by_sql)):
        names = ", ".join(f"n.{name} = ${name}" for name in row[-1])
        query = f"MATCH (n:{label}) WHERE n.id = $id SET {names} RETURN 1"
        assert await database.cypher(query, **row[-1]) == [1]
    assert await database.cypher(CONVERSATION, id=str(conversation.id)) == by_sql
    assert await database.cypher(MESSAGES, id=str(conversation.id)) == [message_by_sql]


async def test_the_use_of_a_key_changes_nothing_else(graph: Graph, database: Database) -> None:
    await database.cypher("CREATE (k:APIKey {key_id: 'ik_used', scopes: ['a', 1], n: 1.50, none: null}) RETURN 1")
    before = await database.cypher("MATCH (k:APIKey) WHERE k.key_id = 'ik_used' RETURN properties(k)")
    key = KeyRecord("ik_used", "", frozenset(), is_revoked=False, expires_at=0.0, last_used=0.0, owner=None)
    await Principals(graph).record_use(key)
    after = await database.cypher("MATCH (k:APIKey) WHERE k.key_id = 'ik_used' RETURN properties(k)")
    assert after[0].pop("last_used")
    assert after == before


async def test_cyphers_paths_find_what_sql_has_written(graph: Graph, database: Database) -> None:
    """AGE caches a graph for paths of variable length, so the cache must notice the new rows."""
    email = await database.add_user()
    path = "MATCH (u:User)-[*1..2]->(n) WHERE u.email = $email RETURN label(n)"
    async with database.connected() as connection:
        text = f"SELECT * FROM ag_catalog.cypher('{database.graph_name}', $$ {path} $$, %s) AS (v ag_catalog.agtype)"  # noqa: S608  # our own text
        bound = (text.encode(), (f'{{"email": "{email}"}}',))
        assert len(await (await connection.execute(*bound)).fetchall()) == 1
        conversation = await Conversations(graph).create(new_conversation(email))
        await begin_and_finish(graph, conversation, messages())
        labels = [row[0] for row in await (await connection.execute(*bound)).fetchall()]
        assert sorted(map(str, labels)) == ['"Conversation"', *['"Message"'] * 4, '"Organization"']
        await Conversations(graph).delete(conversation.id, email)
        assert len(await (await connection.execute(*bound)).fetchall()) == 1
