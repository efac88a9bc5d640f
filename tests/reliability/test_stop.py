"""A running answer can be stopped from any process; its text so far is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import goes_on
from tests.support.background import served
from tests.support.faulty_api import faulty_api
from tests.support.model_server import reply, text, tool, wait

if TYPE_CHECKING:
    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer


async def stop(client: Client, conversation: str) -> None:
    response = await client.http.post(f"/conversations/{conversation}/stop")
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.proves("stop.anywhere", "turn.replayable")
@pytest.mark.parametrize("stopper", [0, 1], ids=["same-process", "other-process"])
async def test_an_answer_is_stopped(two: tuple[Client, Client], model_server: ModelServer, stopper: int) -> None:
    conversation = await two[0].begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with two[0].stream(conversation, "Hi") as stream:
        await stream.until("text")
        await stop(two[stopper], conversation)
        answer = await stream.rest()
    assert (answer.text, answer.done["stop_reason"]) == ("Hel", "stopped")
    await model_server.wait_closed(model_server.chats[0])
    before = await goes_on(two[stopper], conversation, model_server)
    assert [message["content"] for message in before] == ["Hi", "Hel"]
    assert before[1]["id"] == answer.done["message_id"]


@pytest.mark.proves("stop.anywhere", "turn.round-is-atomic")
async def test_tools_are_stopped_and_finished_results_are_stored(
    start_service: StartService, model_server: ModelServer
) -> None:
    with served(faulty_api()) as url:
        async with start_service(IMBI_INTERNAL_API_URL=url).client() as client:
            conversation = await client.begin()
            calls = (tool("echo", {"text": "kept"}), tool("hang"))
            model_server.script(reply(text("Let me see."), *calls, usage={"output_tokens": 7}))
            async with client.stream(conversation, "Hi") as stream:
                await stream.until("tool_result")
                await stop(client, conversation)
                answer = await stream.rest()
            assert answer.done["stop_reason"] == "stopped"
            before = await goes_on(client, conversation, model_server)
            kept, cut = before[2]["tool_results"]
            assert "kept" in str(kept["content"])
            assert (kept.get("is_error", False), cut["is_error"]) == (False, True)


@pytest.mark.proves("stop.anywhere")
async def test_an_answer_is_stopped_before_it_says_anything(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hello"), first_byte=gate))
    async with client.stream(conversation, "Hi") as stream:
        await gate.reached()
        await stop(client, conversation)
        answer = await stream.rest()
    assert (answer.said, answer.done["stop_reason"]) == ("", "stopped")
    assert [message["content"] for message in await goes_on(client, conversation, model_server)] == ["Hi"]


@pytest.mark.proves("stop.nothing")
async def test_stopping_a_conversation_without_an_answer_does_nothing(
    client: Client, new_client: NewClient, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    await stop(client, conversation)
    assert len(await goes_on(client, conversation, model_server)) == 0
    await stop(client, conversation)
    await goes_on(client, conversation, model_server)
    stranger = await new_client()
    foreign = await stranger.http.post(f"/conversations/{conversation}/stop")
    assert (foreign.status_code, foreign.json()) == (404, {"detail": "Conversation not found"})
