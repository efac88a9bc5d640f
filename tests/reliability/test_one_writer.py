"""A conversation has one writer, with several processes and when processes die."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support import leases
from tests.support.aftermath import check_stored, goes_on
from tests.support.model_server import reply, text, tool, wait

if TYPE_CHECKING:
    import httpx2

    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_reply import Script
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes


@pytest.mark.proves("writer.new-stops-old", "turn.replayable")
@pytest.mark.parametrize("asker", [0, 1], ids=["same-process", "other-process"])
async def test_a_new_question_stops_the_answer_to_the_one_before(
    two: tuple[Client, Client], model_server: ModelServer, asker: int
) -> None:
    conversation = await two[0].begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")), reply(text("Second")))
    async with two[0].stream(conversation, "First?") as stream:
        await gate.reached()
        second = await two[asker].ask(conversation, "Second?")
        first = await stream.rest()
    assert (first.text, first.done["stop_reason"]) == ("Hel", "stopped")
    assert (second.text, second.done["stop_reason"]) == ("Second", "end_turn")
    await model_server.wait_closed(model_server.chats[0])
    before = await goes_on(two[1 - asker], conversation, model_server)
    assert [message["content"] for message in before] == ["First?", "Hel", "Second?", "Second"]


@pytest.mark.proves("writer.one")
async def test_many_questions_at_once_never_interleave(two: tuple[Client, Client], model_server: ModelServer) -> None:
    conversation = await two[0].begin()
    model_server.script(*(_thorough() for _ in range(40)))
    responses = await asyncio.gather(*(two[n % 2].post(conversation, f"question {n}") for n in range(12)))
    assert {response.status_code for response in responses} <= {200, 409}
    for response in responses:
        if response.status_code == 409:
            assert int(response.headers["retry-after"]) > 0
    messages = await two[0].messages(conversation)
    check_stored(messages)
    asked = [message["content"] for message in messages if message["content"].startswith("question")]
    assert len(asked) == len(set(asked)) == sum(response.status_code == 200 for response in responses)
    assert asked, "nobody got through"
    model_server.clear()
    await goes_on(two[1], conversation, model_server)


def _thorough() -> Script:
    return lambda body: (
        reply(text("Done.", chunks=3))
        if any(block.get("type") == "tool_result" for block in body["messages"][-1]["content"])
        else reply(text("Let me see.", chunks=3), tool("navigate_to", {"path": "/projects"}))
    )


@pytest.mark.slow
@pytest.mark.proves("writer.busy")
async def test_an_answer_that_does_not_yield_is_409(
    client: Client, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    await leases.hold(database, conversation)
    response: httpx2.Response = await client.post(conversation, "Hi")
    assert (response.status_code, response.json()) == (
        409,
        {"detail": "Another reply to this conversation is streaming"},
    )
    assert int(response.headers["retry-after"]) > 0
    assert await client.messages(conversation) == []
    await leases.give_back(database, conversation)
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("writer.takeover", "turn.killed")
async def test_a_killed_holder_is_taken_over_when_its_lease_ends(
    client: Client, processes: Processes, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    doomed = await processes.start()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with doomed.client() as unlucky, unlucky.stream(conversation, "Hi") as stream:
        await stream.until("text")
        doomed.kill()
        await doomed.ended(5)
    assert await leases.held(database) >= 1
    # The next question is asked while the lease is still held, and is not refused.
    before = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in before] == ["Hi"]


@pytest.mark.proves("writer.lost")
async def test_a_holder_that_slept_through_its_lease_writes_no_more(
    two: tuple[Client, Client], model_server: ModelServer, database: Database
) -> None:
    """The answer's process takes its lease for good while somebody else has taken over."""
    conversation = await two[0].begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with two[0].stream(conversation, "Hi") as stream:
        await gate.reached()
        await leases.hold(database, conversation)
        answer = await stream.rest()
    assert answer.error["code"] == "internal"
    assert [message["content"] for message in await two[0].messages(conversation)] == ["Hi"]
    await leases.give_back(database, conversation)
    await goes_on(two[1], conversation, model_server)


@pytest.mark.slow
@pytest.mark.proves("writer.late")
async def test_a_holder_that_slept_goes_on_if_nobody_has_taken_its_lease(
    client: Client, processes: Processes, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    sleeper = await processes.start()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo"), tool("navigate_to", {"path": "/a"})), reply(text("Done.")))
    async with sleeper.client() as waiting, waiting.stream(conversation, "Hi") as stream:
        await stream.until("text")
        sleeper.signal(signal.SIGSTOP)
        await leases.run_out(database, conversation)
        sleeper.signal(signal.SIGCONT)
        gate.open()
        answer = await stream.rest()
    assert answer.done["stop_reason"] == "end_turn"
    check_stored(await client.messages(conversation))


@pytest.mark.proves("writer.one")
async def test_leases_are_given_back(two: tuple[Client, Client], model_server: ModelServer, database: Database) -> None:
    held = await leases.held(database)
    conversation = await two[0].begin()
    await goes_on(two[0], conversation, model_server)
    await goes_on(two[1], conversation, model_server)
    assert await leases.held(database) <= held


@pytest.mark.proves("writer.deleted")
async def test_a_conversation_may_be_deleted_while_it_is_answered(
    two: tuple[Client, Client], model_server: ModelServer
) -> None:
    conversation = await two[0].begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with two[0].stream(conversation, "Hi") as stream:
        await gate.reached()
        await two[1].delete(conversation)
        answer = await stream.rest()
    assert answer.error["retryable"] is False
    assert (await two[0].http.get(f"/conversations/{conversation}")).status_code == 404
