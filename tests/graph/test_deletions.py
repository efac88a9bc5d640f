"""The deletion of conversations in steps: of one with many messages, interrupted, and of those that are idle."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.domain.errors import ConversationNotFound, GraphUnavailable
from shared.domain.models import Conversation, Lease, Message
from shared.graph import deletion_statements, tables
from shared.graph.admission import Priority
from shared.graph.connector import Graph
from shared.graph.conversations import Conversations
from shared.graph.deletions import MESSAGES_PER_BATCH, Deletions
from shared.graph.turns import Asking, Turns
from tests.support.statement_plans import ALL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.graph.connector import Rows
    from shared.graph.statements import BoundStatement
    from tests.support.database import Database

MANY = 2 * MESSAGES_PER_BATCH + 1
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEFT = """
    MATCH (n) WHERE n.id = $id OR n.conversation_id = $id RETURN count(n)
"""
EDGES = "MATCH ()-[edge]->() WHERE label(edge) IN ['HAS_CONVERSATION', 'CONTAINS'] RETURN count(edge)"


class FailingGraph(Graph):
    """A graph whose database goes away before a certain number of single writes."""

    writes_left = 1

    async def write(self, statement: BoundStatement, *, priority: Priority = Priority.REQUEST) -> Rows:
        if self.writes_left == 0:
            raise GraphUnavailable
        self.writes_left -= 1
        return await super().write(statement, priority=priority)


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Graph]:
    opened = Graph(database.dsn, database.graph_name)
    yield opened
    await opened.aclose()


async def conversation_with(graph: Graph, email: str, messages: int, updated_at: datetime = NOW) -> UUID:
    conversation = Conversation(uuid4(), email, None, NOW, updated_at, "claude-sonnet-4-6")
    await Conversations(graph).create(conversation)
    if messages:
        lease = Lease(conversation.id, uuid4())
        question, *answer = [Message(id=uuid4(), role="user", content="Hi", created_at=NOW) for _ in range(messages)]
        await Turns(graph).begin(lease, email, question, Asking("", None, MANY))
        await Turns(graph).append(lease, email, answer)
    return conversation.id


async def left(database: Database, conversation_id: UUID) -> int:
    [count] = await database.cypher(LEFT, id=str(conversation_id))
    assert isinstance(count, int)
    return count


@pytest.mark.proves("conversations.delete-in-steps")
async def test_many_messages_are_deleted_in_batches_with_their_edges(graph: Graph, database: Database) -> None:
    email = await database.add_user()
    before = await database.cypher(EDGES)
    kept, gone = await conversation_with(graph, email, 1), await conversation_with(graph, email, MANY)
    await Deletions(graph).delete(gone, email)
    assert await left(database, gone) == 0
    assert await left(database, kept) == 2
    assert await database.cypher(EDGES) == [before[0] + 2]
    with pytest.raises(ConversationNotFound):
        await Deletions(graph).delete(gone, email)


@pytest.mark.proves("conversations.delete-in-steps")
async def test_an_interrupted_deletion_is_invisible_and_a_later_one_completes_it(
    graph: Graph, database: Database
) -> None:
    email = await database.add_user()
    gone, other = await conversation_with(graph, email, MANY), await conversation_with(graph, email, 0)
    failing = FailingGraph(database.dsn, database.graph_name)
    try:
        await Deletions(failing).delete(gone, email)
    finally:
        await failing.aclose()
    assert await left(database, gone) == MANY - MESSAGES_PER_BATCH + 1
    with pytest.raises(ConversationNotFound):
        await Conversations(graph).get(gone, email)
    page = await Conversations(graph).recent(email, limit=9, offset=0, include_archived=True)
    assert [conversation.id for conversation in page] == [other]
    await Deletions(graph).delete(other, email)
    assert await left(database, gone) == 0


@pytest.mark.proves("conversations.delete-in-steps")
async def test_a_running_answer_stores_nothing_in_a_deleted_conversation(graph: Graph, database: Database) -> None:
    email = await database.add_user()
    gone = await conversation_with(graph, email, 1)
    failing = FailingGraph(database.dsn, database.graph_name)
    failing.writes_left = 0
    try:
        await Deletions(failing).delete(gone, email)
    finally:
        await failing.aclose()
    with pytest.raises(ConversationNotFound):
        await Turns(graph).append(Lease(gone, uuid4()), email, [])


@pytest.mark.proves("conversations.delete-in-steps")
async def test_only_a_conversation_without_an_owner_loses_messages(graph: Graph, database: Database) -> None:
    kept = await conversation_with(graph, await database.add_user(), 2)
    limited = deletion_statements.DELETE_MESSAGES.bind(id=str(kept), limit=10)
    assert await graph.write(limited) == [(0,)]
    assert await graph.write(deletion_statements.DELETE.bind(id=str(kept))) == []
    assert await left(database, kept) == 3


@pytest.mark.proves("conversations.delete-idle")
async def test_idle_conversations_are_deleted_in_batches_and_others_stay(graph: Graph, database: Database) -> None:
    email = await database.add_user()
    idle = [await conversation_with(graph, email, 0, datetime(2020, 1, day, tzinfo=UTC)) for day in (1, 2, 3)]
    busy = await conversation_with(graph, email, 0, datetime(2020, 1, 4, tzinfo=UTC))
    before = datetime(2020, 1, 3, tzinfo=UTC) + timedelta(seconds=1)
    assert await Deletions(graph).delete_idle(before, limit=2) == 2
    assert [await left(database, each) for each in idle] == [0, 0, 1]
    assert await Deletions(graph).delete_idle(before, limit=2) == 1
    assert await Deletions(graph).delete_idle(before, limit=2) == 0
    assert await left(database, busy) == 1


@pytest.mark.proves("conversations.delete-in-steps")
def test_every_table_with_rows_of_conversations_says_how_to_delete_them() -> None:
    registered = {statement.text for statement in tables.deletions_of(uuid4())}
    for module in tables.WITH_TABLES:
        if "conversation_id" in "".join(module.CREATE_TABLE) and module not in tables.OUTLIVING:
            assert ALL[f"{module.__name__.rpartition('.')[2]}.DELETE_OF_CONVERSATION"].bind(id="").text in registered
        assert inspect.ismodule(module)
