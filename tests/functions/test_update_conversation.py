"""PATCH /conversations/{id}."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer


def without_time(conversation: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in conversation.items() if name not in {"updated_at", "messages"}}


@pytest.mark.proves("conversations.rename")
async def test_a_title_is_changed_and_nothing_else(client: Client) -> None:
    created = await client.create()
    renamed = await client.patch(created["id"], title="Deployments of billing")
    assert without_time(renamed) == without_time(created) | {"title": "Deployments of billing"}
    assert renamed["updated_at"] > created["updated_at"]
    assert await client.get(created["id"]) == {**renamed, "messages": [], "approval": None}


@pytest.mark.proves("conversations.archive")
async def test_a_conversation_is_archived_and_brought_back(client: Client) -> None:
    created = await client.create()
    await client.patch(created["id"], title="Kept")
    archived = await client.patch(created["id"], is_archived=True)
    assert (archived["is_archived"], archived["title"]) == (True, "Kept")
    assert (await client.get(created["id"]))["is_archived"] is True
    back = await client.patch(created["id"], is_archived=False)
    assert (back["is_archived"], back["title"]) == (False, "Kept")


@pytest.mark.proves("conversations.rename", "conversations.archive")
async def test_both_can_be_changed_at_once(client: Client) -> None:
    conversation = await client.begin()
    changed = await client.patch(conversation, title="Both", is_archived=True)
    assert (changed["title"], changed["is_archived"]) == ("Both", True)


@pytest.mark.proves("conversations.rename")
@pytest.mark.parametrize("changes", [{}, {"title": None}, {"is_archived": None, "title": None}])
async def test_nothing_is_changed_by_nothing(client: Client, changes: dict[str, Any]) -> None:
    created = await client.create()
    assert without_time(await client.patch(created["id"], **changes)) == without_time(created)


@pytest.mark.proves("conversations.archive")
async def test_messages_stay_in_an_archived_conversation(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    await client.ask(conversation, "Hi")
    before = await client.messages(conversation)
    await client.patch(conversation, is_archived=True)
    assert await client.messages(conversation) == before


@pytest.mark.proves("conversations.rename")
async def test_changes_at_the_same_time_are_all_made(client: Client) -> None:
    conversation = await client.begin()
    renames = [client.patch(conversation, title=f"Title {number}") for number in range(4)]
    answers = await asyncio.gather(*renames, client.patch(conversation, is_archived=True))
    assert [answer["title"] for answer in answers[:4]] == [f"Title {number}" for number in range(4)]
    kept = await client.get(conversation)
    assert kept["is_archived"] is True
    assert kept["title"] in {f"Title {number}" for number in range(4)}
