"""DELETE /conversations/{id}."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer


@pytest.mark.proves("conversations.delete")
async def test_nothing_is_left_of_a_deleted_conversation(
    new_client: NewClient, database: Database, model_server: ModelServer
) -> None:
    client = await new_client()
    gone, kept = await client.begin(), await client.begin()
    for conversation in (gone, kept):
        model_server.script(reply(text("Hello")))
        await client.ask(conversation, "Hi")
    await client.delete(gone)
    assert (await client.http.get(f"/conversations/{gone}")).status_code == 404
    assert [conversation["id"] for conversation in await client.list()] == [kept]
    counted = "MATCH (m:Message) WHERE m.conversation_id = $id RETURN count(m)"
    assert await database.cypher(counted, id=gone) == [0]
    assert len(await client.messages(kept)) == 2


@pytest.mark.proves("conversations.delete")
async def test_a_conversation_is_deleted_once(client: Client) -> None:
    conversation = await client.begin()
    await client.delete(conversation)
    again = await client.http.delete(f"/conversations/{conversation}")
    assert (again.status_code, again.json()) == (404, {"detail": "Conversation not found"})
