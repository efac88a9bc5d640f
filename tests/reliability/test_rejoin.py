"""A running answer can be joined again from any process, and goes on without a client that asked for this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import leases
from tests.support.model_server import error, reply, text, tool, wait
from tests.support.rejoining import cut_and_rejoined, ids_of, rejoined, started

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes

SCRIPT = (
    reply(text("Let me ", "see."), tool("navigate_to", {"path": "/projects"})),
    reply(text("There ", "are ", "three. ", "\n\n🦜", " Ünï")),
)


@pytest.mark.proves("rejoin.parts")
@pytest.mark.parametrize("frames", [1, 4, 9, 99])
async def test_both_parts_of_an_answer_equal_the_whole(
    two: tuple[Client, Client], model_server: ModelServer, frames: int
) -> None:
    model_server.script(*SCRIPT)
    cut = await cut_and_rejoined(two, frames)
    assert cut.first + cut.second == cut.whole
    assert ids_of(cut.whole) == list(range(1, len(ids_of(cut.whole)) + 1))
    assert b"event: done" in cut.whole


@pytest.mark.proves("rejoin.running")
async def test_another_tab_follows_a_running_answer_from_its_beginning(
    two: tuple[Client, Client], model_server: ModelServer
) -> None:
    conversation = await two[0].begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with two[0].stream(conversation, "Hi") as stream:
        await stream.until("text")
        async with two[1].joined(conversation) as other:
            await other.until("text")
            gate.open()
            assert (await other.rest()).events == (await stream.rest()).events


@pytest.mark.proves("rejoin.keep-running")
async def test_only_a_stop_ends_an_answer_that_keeps_running(
    two: tuple[Client, Client], model_server: ModelServer
) -> None:
    conversation = await two[0].begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo", wait(gate))))
    await started(two[0], conversation, prefer="respond-async, Keep-Running;x=1")
    assert (await two[1].get(conversation))["is_answering"] is True
    async with two[1].joined(conversation) as stream:
        await two[1].http.post(f"/conversations/{conversation}/stop")
        answer = await stream.rest()
    assert answer.done["stop_reason"] == "stopped"
    assert (await two[0].messages(conversation))[-1]["content"] == "Hel"


@pytest.mark.proves("rejoin.nothing")
async def test_there_is_nothing_to_join_without_a_running_answer(
    client: Client, new_client: NewClient, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    path = f"/conversations/{conversation}/stream"
    assert (await client.http.get(path)).status_code == 204
    model_server.script(reply(text("Hello")))
    tag = await started(client, conversation, prefer="keep-running", frames=99)
    assert (await client.http.get(path)).status_code == 204
    last = len(ids_of(await rejoined(client, conversation, f"{tag}-0")))
    assert (await client.http.get(path, headers={"Last-Event-ID": f"{tag}-{last}"})).status_code == 204
    for odd in ("", "x", "0" * 99, f"{tag}-{'9' * 30}", "ffffffff-1"):
        assert (await client.http.get(path, headers={"Last-Event-ID": odd})).status_code == 204
    other = await new_client()
    assert (await other.http.get(path)).status_code == 404


@pytest.mark.proves("rejoin.stored")
async def test_an_ended_answer_without_frames_is_told_from_the_store(
    client: Client, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It ", "begins"), error("overloaded_error")))
    tag = await started(client, conversation, prefer="keep-running", frames=99)
    async with database.connected() as connection:
        await connection.execute(f"DELETE FROM {database.graph_name}.imbi_assistant_frame".encode())  # noqa: S608  # a name of the tests
    async with client.joined(conversation, f"{tag}-1") as stream:
        answer = await stream.rest()
    assert answer.names == ["restarted", "text", "content_block_stop", "text", "content_block_stop", "error"]
    assert (answer.said, answer.error["code"]) == ("It begins", "overloaded")


@pytest.mark.proves("rejoin.killed")
async def test_an_answer_whose_process_dies_ends_with_an_error_for_its_followers(
    processes: Processes, client: Client, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    doomed = await processes.start()
    async with doomed.client() as unlucky, unlucky.stream(conversation, "Hi") as stream:
        await stream.until("text")
        async with client.joined(conversation) as follower:
            await follower.until("text")
            doomed.kill()
            await doomed.ended(5)
            await leases.expire(database, conversation)
            answer = await follower.rest()
    assert (answer.said, answer.error["code"], answer.error["retryable"]) == ("Hel", "connection_lost", True)
