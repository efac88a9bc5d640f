"""For every way in which the model ends an answer, the client gets one terminal event and the conversation goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aftermath import goes_on
from tests.support.model_server import (
    http_error,
    redacted_thinking,
    reply,
    server_tool,
    text,
    thinking,
    tool,
)
from tests.support.ui_store import UiStore

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.observed_api import ObservedApi


@pytest.mark.proves("turn.max-tokens", "turn.replayable")
async def test_a_text_that_was_cut_off_is_kept(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It is a long"), stop="max_tokens"))
    answer = await client.ask(conversation, "Hi")
    assert answer.text.startswith("It is a long")
    assert answer.done["stop_reason"] == "max_tokens"
    stored = await goes_on(client, conversation, model_server)
    assert stored[-1]["content"] == answer.text


@pytest.mark.proves("turn.max-tokens", "turn.replayable")
@pytest.mark.parametrize("half", ['{"text": "a', '{"text": "a"}', ""])
async def test_a_call_that_was_cut_off_is_not_run(
    api_client: Client, api: ObservedApi, model_server: ModelServer, half: str
) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(text("Let me see."), tool("echo", half), stop="max_tokens"))
    answer = await api_client.ask(conversation, "Hi")
    assert answer.text.startswith("Let me see.")
    assert answer.done["stop_reason"] == "max_tokens"
    assert answer.of("tool_executing", "tool_result") == []
    stored = await goes_on(api_client, conversation, model_server)
    assert stored[-1]["tool_use"] is None
    assert api.calls == []


@pytest.mark.proves("turn.refusal", "turn.replayable")
@pytest.mark.parametrize("said", [(), (text("I will"),), (thinking("Hm"),), (thinking("Hm"), text("I"), tool("echo"))])
async def test_a_refusal_ends_the_answer(client: Client, model_server: ModelServer, said: tuple[Any, ...]) -> None:
    conversation = await client.begin()
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    model_server.script(reply(*said, stop="refusal", stop_details=details))
    answer = await client.ask(conversation, "Hi")
    assert answer.done["stop_reason"] == "refusal"
    assert answer.text.strip()
    stored = await goes_on(client, conversation, model_server)
    assert stored[-1]["content"] == UiStore.after(answer.events).bubble


@pytest.mark.proves("turn.context-exceeded", "turn.replayable")
async def test_a_full_context_is_reported(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It is"), stop="model_context_window_exceeded"))
    answer = await client.ask(conversation, "Hi")
    assert answer.done["stop_reason"] == "model_context_window_exceeded"
    assert "too long" in answer.text
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("turn.context-exceeded", "stream.error")
async def test_a_prompt_that_is_too_long_is_reported(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for failure in (
        http_error(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
        http_error(413, "request_too_large", "Request exceeds the maximum size"),
    ):
        model_server.clear()
        model_server.script(*[failure] * 10)  # it is tried again with less
        problem = (await client.ask(conversation, "Hi")).error
        assert (problem["code"], problem["retryable"]) == ("context_overflow", False)
        assert "too long" in problem["message"]


@pytest.mark.proves("turn.pause-turn")
async def test_a_pause_is_continued(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    paused = (text("Searching."), server_tool("web_search", {"query": "imbi"}, call_id="srvtoolu_1"))
    model_server.script(reply(*paused, stop="pause_turn"), reply(text("Found it.")))
    answer = await client.ask(conversation, "Hi")
    assert answer.text == "Searching.Found it."
    assert answer.done["stop_reason"] == "end_turn"
    continued = model_server.chats[1].messages
    assert [message["role"] for message in continued] == ["user", "assistant"]
    assert continued[-1]["content"][1]["type"] == "server_tool_use"
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("turn.empty-answer", "turn.replayable")
@pytest.mark.parametrize(
    "said",
    [(), (text(""),), (text(" \n"),), (thinking("Hm"),), (redacted_thinking(),)],
    ids=["nothing", "empty", "blank", "thought", "hidden thought"],
)
async def test_an_answer_without_text_ends_in_order(
    client: Client, model_server: ModelServer, said: tuple[Any, ...]
) -> None:
    conversation = await client.begin()
    model_server.script(reply(*said))
    answer = await client.ask(conversation, "Hi")
    assert answer.done["stop_reason"] == "end_turn"
    assert answer.text.strip()
    stored = await goes_on(client, conversation, model_server)
    assert all(message["content"].strip() for message in stored)


@pytest.mark.proves("turn.empty-answer", "turn.replayable")
async def test_nothing_after_a_tool_ends_in_order(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(tool("echo", {"text": "a"})), reply())
    answer = await api_client.ask(conversation, "Hi")
    assert answer.done
    assert answer.text.strip()
    await goes_on(api_client, conversation, model_server)


@pytest.mark.proves("turn.replayable")
async def test_a_stop_for_tools_without_a_tool_ends_in_order(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello"), stop="tool_use"), *[reply(text("Well"), stop="tool_use")] * 10)
    assert (await client.ask(conversation, "Hi")).end.name in {"done", "error"}
    model_server.clear()
    await goes_on(client, conversation, model_server)
