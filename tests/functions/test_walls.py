"""A conversation of another user looks like one that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

ODD_IDS = (
    "1",
    "not-a-uuid",
    "%00",
    "%ff",
    "%27%20OR%20true",
    "$$",
    "{00000000-0000-4000-8000-000000000000}",
    "urn:uuid:00000000-0000-4000-8000-000000000000",
    "00000000000040008000000000000000",
    "x" * 3000,
    "%F0%9F%98%80",
)

OF_ONE_REQUEST = {"date", "x-request-id"}


async def every_route(client: Client, conversation: str) -> list[httpx2.Response]:
    path = f"/conversations/{conversation}"
    return [
        await client.http.get(path),
        await client.http.patch(path, json={"title": "Mine"}),
        await client.http.patch(path, json={"is_archived": True}),
        await client.http.delete(path),
        await client.http.post(f"{path}/messages", json={"content": "Hi"}),
    ]


def shown(response: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in response.headers.items() if name not in OF_ONE_REQUEST}
    return response.status_code, response.content, headers


@pytest.mark.proves("conversations.foreign-is-404")
@pytest.mark.parametrize("is_admin", [False, True])
async def test_anothers_conversation_looks_like_none(
    client: Client, new_client: NewClient, model_server: ModelServer, *, is_admin: bool
) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    await client.ask(conversation, "Hi")
    before = await client.get(conversation)
    stranger = await new_client(is_admin=is_admin)
    of_another = await every_route(stranger, conversation)
    of_nobody = await every_route(stranger, str(uuid4()))
    assert [shown(response) for response in of_another] == [shown(response) for response in of_nobody]
    for response in of_another:
        assert (response.status_code, response.json()) == (404, {"detail": "Conversation not found"})
    assert await stranger.list(include_archived=True) == []
    assert await client.get(conversation) == before
    assert len(model_server.chats) == 1


@pytest.mark.proves("conversations.foreign-is-404")
async def test_the_stranger_waits_for_the_same_round_trips(
    client: Client, new_client: NewClient, database: Database
) -> None:
    """What is there and what is not take the same way: one statement that names the owner."""
    conversation = await client.begin()
    stranger = await new_client()
    for path in (f"/conversations/{conversation}", f"/conversations/{uuid4()}"):
        assert (await stranger.http.get(path)).status_code == 404
    owned = "MATCH (c:Conversation) WHERE c.id = $id RETURN c.user_email"
    assert await database.cypher(owned, id=conversation) == [client.email]


@pytest.mark.proves("conversations.odd-id-is-404")
@pytest.mark.parametrize("odd", ODD_IDS, ids=range(len(ODD_IDS)))
async def test_an_id_that_is_no_uuid_is_not_found(client: Client, odd: str) -> None:
    for response in await every_route(client, odd):
        assert (response.status_code, response.json()) == (404, {"detail": "Conversation not found"})


@pytest.mark.proves("conversations.odd-id-is-404")
async def test_the_letters_of_an_id_may_be_large(client: Client) -> None:
    conversation = await client.begin()
    assert (await client.get(conversation.upper()))["id"] == conversation


@pytest.mark.proves("conversations.foreign-is-404", "errors.body")
async def test_without_a_token_no_id_is_confirmed(service: Service, client: Client) -> None:
    conversation = await client.begin()
    async with service.client_with(None) as nobody:
        for each in (conversation, str(uuid4()), "1"):
            for response in await every_route(nobody, each):
                assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})


@pytest.mark.proves("errors.body")
async def test_other_paths_and_methods_answer_in_the_same_form(client: Client) -> None:
    unknown = await client.http.get("/nothing")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    wrong = await client.http.put("/conversations", json={})
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
