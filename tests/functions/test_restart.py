"""Conversations outlive a restart of the service and of the database."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from local.embedded_database import embedded_database
from tests.support.background import entered
from tests.support.database import Database
from tests.support.model_server import reply, stall, text, thinking, tool
from tests.support.service import Service

LEASE_SECONDS = 60
"""The bound on the wait for a dead process's lease, which lasts 4 seconds."""

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes


async def talked(client: Client, model_server: ModelServer) -> str:
    """Have an exchange with everything that can be stored."""
    conversation = await client.begin()
    model_server.script(
        reply(thinking("Hm"), text("Wait."), tool("navigate_to", {"path": "/a"})), reply(thinking("So"), text("Done."))
    )
    await client.ask(conversation, "Hi")
    return conversation


async def goes_on(client: Client, model_server: ModelServer, conversation: str) -> None:
    model_server.script(reply(text("It goes on.")))
    assert (await client.ask(conversation, "And now?")).text == "It goes on."
    said = model_server.chats[-1].messages
    assert [part["type"] for part in said[1]["content"]] == ["thinking", "text", "tool_use"]
    assert [part["type"] for part in said[3]["content"]] == ["thinking", "text"]


@pytest.mark.proves("conversations.survive-restart", "turn.thinking-kept")
async def test_everything_is_there_after_a_restart(start_service: StartService, model_server: ModelServer) -> None:
    first = start_service()
    async with first.client() as client:
        conversation = await talked(client, model_server)
        before = await client.get(conversation)
    first.stop()
    async with start_service().client() as client:
        assert await client.get(conversation) == before
        await goes_on(client, model_server, conversation)


@pytest.mark.slow
@pytest.mark.proves("conversations.survive-restart")
@pytest.mark.skipif("POSTGRES_URL" in os.environ, reason="another's database is not ours to restart")
async def test_everything_is_there_after_a_restart_of_the_embedded_database(
    tmp_path: Path, variables: dict[str, str], model_server: ModelServer
) -> None:
    before: dict[str, Any] = {}
    conversation = ""
    for is_second in (False, True):
        with entered(embedded_database(tmp_path, report=lambda _line: None), "database") as dsn:
            await Database(dsn, "imbi").prepare()
            with Service({**variables, "POSTGRES_URL": dsn, "POSTGRES_GRAPH_NAME": "imbi"}) as service:
                async with service.client() as client:
                    if is_second:
                        assert await client.get(conversation) == before
                        await goes_on(client, model_server, conversation)
                    else:
                        conversation = await talked(client, model_server)
                        before = await client.get(conversation)


@pytest.mark.slow
@pytest.mark.proves("turn.killed", "turn.replayable")
async def test_a_killed_process_leaves_a_conversation_that_goes_on(
    service: Service, processes: Processes, model_server: ModelServer
) -> None:
    process = await processes.start()
    async with process.client() as client, service.client() as other:
        conversation = await client.begin()
        model_server.script(
            reply(text("Wait."), tool("navigate_to", {"path": "/a"}, call_id="toolu_1")),
            reply(text("It ", "begins", stall())),
        )
        async with client.stream(conversation, "Hi") as stream:
            await stream.until(lambda event: event.data == {"text": "begins"})
            process.kill()
        stored = await other.messages(conversation)
        assert [message["content"] for message in stored[:3]] == ["Hi", "Wait.", ""]
        model_server.script(reply(text("It goes on.")))
        async with asyncio.timeout(LEASE_SECONDS):
            while (response := await other.post(conversation, "And now?")).status_code == 409:
                assert response.json().keys() == {"detail"}
        assert response.status_code == 200
        assert [message["content"] for message in await other.messages(conversation)][-2:] == [
            "And now?",
            "It goes on.",
        ]
    assert "toolu_1" in str(model_server.chats[-1].messages)
