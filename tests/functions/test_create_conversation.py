"""POST /conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

FIELDS = {
    "id",
    "user_email",
    "title",
    "created_at",
    "updated_at",
    "model",
    "is_archived",
    "is_answering",
    "asks_before_changes",
}


@pytest.mark.proves("conversations.create")
async def test_a_new_conversation_has_every_field(client: Client) -> None:
    created = await client.create()
    assert created.keys() == FIELDS
    assert str(UUID(created["id"])) == created["id"]
    assert (created["user_email"], created["title"], created["is_archived"]) == (client.email, None, False)
    for name in ("created_at", "updated_at"):
        time = datetime.fromisoformat(created[name])
        assert time.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)


@pytest.mark.proves("conversations.create")
async def test_a_created_conversation_is_read_as_it_was_answered(client: Client) -> None:
    created = await client.create()
    assert await client.get(created["id"]) == {**created, "messages": [], "approval": None}


@pytest.mark.proves("conversations.create-without-body")
@pytest.mark.parametrize("content", [b"", b"{}", b"null"])
async def test_a_body_is_not_needed(client: Client, service: Service, content: bytes) -> None:
    headers = {"Content-Type": "application/json"} if content else {}
    response = await client.http.post("/conversations", content=content, headers=headers)
    assert response.status_code == 201
    assert response.json()["model"] == service.settings.model == "claude-sonnet-4-6"


@pytest.mark.proves("conversations.create-without-body")
async def test_a_model_that_is_null_is_the_configured_one(client: Client) -> None:
    assert (await client.create(model=None))["model"] == "claude-sonnet-4-6"


@pytest.mark.proves("conversations.create-with-model")
async def test_the_model_that_was_asked_for_answers(client: Client, model_server: ModelServer) -> None:
    created = await client.create(model="claude-haiku-4-5")
    assert created["model"] == "claude-haiku-4-5"
    model_server.script(reply(text("Hello")))
    await client.ask(created["id"], "Hi")
    assert {request.body["model"] for request in model_server.requests} == {"claude-haiku-4-5"}
    assert (await client.get(created["id"]))["model"] == "claude-haiku-4-5"


@pytest.mark.proves("graph.schema")
async def test_a_conversation_belongs_to_its_user_in_the_graph(client: Client, database: Database) -> None:
    created = await client.create()
    [properties] = await database.cypher(
        "MATCH (u:User)-[:HAS_CONVERSATION]->(c:Conversation) WHERE c.id = $id AND u.email = $email"
        " RETURN properties(c)",
        id=created["id"],
        email=client.email,
    )
    assert properties.keys() >= FIELDS - {"title", "is_answering", "asks_before_changes"}
    assert (properties["user_email"], properties["is_archived"]) == (client.email, False)
    assert datetime.fromisoformat(properties["created_at"]) == datetime.fromisoformat(created["created_at"])
