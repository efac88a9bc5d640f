"""How a stored answer ended, and whether one is running, as a client reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import cut, error, http_error, reply, text, thinking, tool, wait

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

PAGE = tool("navigate_to", {"path": "/a"})


@pytest.mark.proves("shown.ends")
@pytest.mark.parametrize(
    ("script", "end"),
    [
        ([reply(text("Hello"))], (False, "end_turn", None)),
        ([reply(text("Hello"), stop="max_tokens")], (False, "max_tokens", None)),
        ([reply(text("Hel"), error("overloaded_error"))], (True, None, ("overloaded", True))),
        ([reply(text("Hel"), cut())], (True, None, ("connection_lost", True))),
        ([reply(PAGE), http_error(400, "invalid_request_error")], (True, None, ("invalid_request", False))),
        ([http_error(400, "invalid_request_error")], (False, None, ("invalid_request", False))),
    ],
)
async def test_the_last_message_says_how_the_answer_ended(
    client: Client, model_server: ModelServer, script: list[Any], end: tuple[Any, ...]
) -> None:
    conversation = await client.begin()
    model_server.script(*script)
    answer = await client.ask(conversation, "Hi")
    shown = await client.get(conversation)
    assert shown["is_answering"] is False
    *earlier, last = [each for each in shown["messages"] if not each["tool_results"]]
    problem = last["error"] and (last["error"]["code"], last["error"]["retryable"])
    assert (last["is_partial"], last["stop_reason"], problem) == end
    assert last["error"] is None or last["error"]["message"] == answer.error["message"]
    assert all(not each["is_partial"] and each["error"] is each["stop_reason"] is None for each in earlier)


@pytest.mark.proves("shown.ends", "shown.is-answering")
async def test_a_running_answer_is_no_failure_and_a_stopped_one_is_partial(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with client.stream(conversation, "Hi") as stream:
        await stream.until("text")
        shown = await client.get(conversation)
        assert (shown["is_answering"], shown["messages"][-1]["error"], shown["title"]) == (True, None, "Hi")
        assert [each["is_answering"] for each in await client.list() if each["id"] == conversation] == [True]
        assert [each["is_answering"] for each in await client.list(q="Hi") if each["id"] == conversation] == [True]
        await client.http.post(f"/conversations/{conversation}/stop")
        await stream.rest()
    last = (await client.messages(conversation))[-1]
    assert (last["content"], last["is_partial"], last["stop_reason"]) == ("Hel", True, "stopped")
    assert (await client.get(conversation))["is_answering"] is False


@pytest.mark.proves("shown.activity")
@pytest.mark.parametrize(("model", "shown"), [("claude-opus-5-5", "Let me see"), ("claude-sonnet-4-6", None)])
async def test_the_thinking_that_was_told_is_shown(
    client: Client, model_server: ModelServer, model: str, shown: str | None
) -> None:
    conversation = await client.begin(model=model)
    model_server.script(reply(thinking("Let me", " see"), text("Hello")))
    answer = await client.ask(conversation, "Hi")
    assert "".join(each.data["text"] for each in answer.of("thinking")) == (shown or "")
    assert [each["thinking"] for each in await client.messages(conversation)] == [None, shown]


@pytest.mark.proves("shown.ends")
async def test_an_answer_whose_process_was_killed_is_a_failure(
    client: Client, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    await client.ask(conversation, "Hi")
    await database.cypher(
        "MATCH (m:Message) WHERE m.conversation_id = $id AND m.role = 'user' SET m.outcome = '{}' RETURN 1",
        id=conversation,
    )
    await database.cypher(
        "MATCH (m:Message) WHERE m.conversation_id = $id AND m.role = 'assistant' SET m.outcome = null RETURN 1",
        id=conversation,
    )
    last = (await client.messages(conversation))[-1]
    assert (last["is_partial"], last["error"]["code"], last["error"]["retryable"]) == (True, "connection_lost", True)
