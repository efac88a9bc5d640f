"""Calls of tools: their events, their order, the rounds, the stored messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.support.model_server import reply, text, thinking, tool
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.observed_api import ObservedApi


@pytest.mark.proves("stream.tool-events", "stream.tool-result-details", "turn.loop", "stream.one-terminal-event")
async def test_the_events_of_a_call(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    model_server.script(
        reply(text("Let me ask."), tool("echo", {"text": "a"}, call_id="toolu_1", chunks=2)),
        reply(text("It said a.")),
    )
    answer = await api_client.ask(conversation, "Hi")
    assert answer.names == [
        "text",
        "content_block_stop",
        "tool_use_start",
        *["tool_input"] * len(answer.of("tool_input")),
        "content_block_stop",
        "tool_executing",
        "tool_result",
        "text",
        "content_block_stop",
        "done",
        "title_updated",
    ]
    named = {"id": "toolu_1", "name": "echo"}
    assert answer.of("tool_use_start")[0].data == answer.of("tool_executing")[0].data == named
    pieces = "".join(event.data["partial_json"] for event in answer.of("tool_input"))
    assert json.loads(pieces) == {"text": "a"}
    [result] = answer.of("tool_result")
    assert result.data | named == result.data
    assert result.data["is_error"] is False
    assert isinstance(result.data["duration_ms"], int)
    assert result.data["duration_ms"] >= 0
    assert len(model_server.chats) == 2
    assert model_server.chats[1].messages[-2]["role"] == "assistant"
    assert json.loads(told(result_of(model_server, "toolu_1"))) == {"text": "a"}


@pytest.mark.proves("messages.tool-calls", "messages.fields", "messages.sequence")
async def test_calls_and_results_are_stored(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    model_server.script(
        reply(tool("echo", {"text": "a"}, call_id="toolu_1"), tool("fail", {"status": 404}, call_id="toolu_2")),
        reply(text("Done.")),
    )
    await api_client.ask(conversation, "Hi")
    question, called, returned, said = await api_client.messages(conversation)
    assert called["tool_use"] == [
        {"id": "toolu_1", "name": "echo", "input": {"text": "a"}},
        {"id": "toolu_2", "name": "fail", "input": {"status": 404}},
    ]
    assert (called["role"], called["content"], called["tool_results"]) == ("assistant", "", None)
    assert called["token_usage"]["output_tokens"] > 0
    first, second = returned["tool_results"]
    assert (first["type"], first["tool_use_id"], "is_error" in first) == ("tool_result", "toolu_1", False)
    assert (second["tool_use_id"], second["is_error"]) == ("toolu_2", True)
    assert (returned["role"], returned["content"], returned["tool_use"]) == ("user", "", None)
    assert said["content"] == "Done."
    assert [message["sequence"] for message in (question, called, returned, said)] == [0, 1, 2, 3]


@pytest.mark.proves("stream.done")
async def test_usage_is_summed_over_the_rounds(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    names = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    model_server.script(
        reply(tool("echo", {"text": "a"}), usage=dict(zip(names, (1, 2, 3, 4), strict=True))),
        reply(tool("echo", {"text": "b"}), usage=dict(zip(names, (10, 20, 30, 40), strict=True))),
        reply(text("Done."), usage=dict(zip(names, (100, 200, 300, 400), strict=True))),
    )
    answer = await api_client.ask(conversation, "Hi")
    assert answer.done["usage"] == dict(zip(names, (111, 222, 333, 444), strict=True))


@pytest.mark.proves("turn.loop")
async def test_rounds_follow_one_another_until_there_are_no_calls(
    api_client: Client, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    model_server.script(*[reply(tool("echo", {"text": str(n)}, call_id=f"toolu_{n}")) for n in range(4)])
    model_server.script(reply(text("Done.")))
    answer = await api_client.ask(conversation, "Hi")
    assert [event.data["id"] for event in answer.of("tool_result")] == [f"toolu_{n}" for n in range(4)]
    assert [len(request.messages) for request in model_server.chats] == [1, 3, 5, 7, 9]
    assert [len(message["tool_use"] or ()) for message in await api_client.messages(conversation)] == [
        0, 1, 0, 1, 0, 1, 0, 1, 0, 0,
    ]  # fmt: skip


@pytest.mark.proves("turn.side-by-side")
async def test_calls_of_one_reply_run_side_by_side(
    api_client: Client, api: ObservedApi, model_server: ModelServer
) -> None:
    """Each call waits for all the others to have arrived, and they leave in the reverse order."""
    conversation = await api_client.begin()
    seats = 5
    calls = [tool("meet", {"seat": n, "seats": seats}, call_id=f"toolu_{n}") for n in range(seats)]
    model_server.script(reply(*calls), reply(text("Done.")))
    answer = await api_client.ask(conversation, "Hi")
    assert {event.data["is_error"] for event in answer.of("tool_result")} == {False}
    assert [*model_server.chats[1].results] == [f"toolu_{n}" for n in range(seats)]
    assert [told(result_of(model_server, f"toolu_{n}")) for n in range(seats)] == [
        json.dumps(f"seat {n}") for n in range(seats)
    ]
    [_, _, returned, _] = await api_client.messages(conversation)
    assert [result["tool_use_id"] for result in returned["tool_results"]] == [f"toolu_{n}" for n in range(seats)]
    assert len(api.calls) == seats


@pytest.mark.proves("tools.from-document")
async def test_hostile_arguments_reach_the_api_as_they_are(
    api_client: Client, api: ObservedApi, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    words = "a&b=c?d#e/../f%00 '\"\\ {x} $$ 😀\n\u2028"
    model_server.script(reply(tool("echo", {"text": words}, call_id="toolu_1")), reply(text("Done.")))
    await api_client.ask(conversation, "Hi")
    assert json.loads(told(result_of(model_server, "toolu_1"))) == {"text": words}
    assert len(api.calls) == 1


@pytest.mark.proves("turn.round-limit")
async def test_after_the_last_round_the_model_may_call_no_tools(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_TOOL_ROUNDS="2")
    model_server.script(
        reply(text("One."), tool("navigate_to", {"path": "/a"})),
        reply(text("Two."), tool("navigate_to", {"path": "/b"})),
        reply(text("That is what I know.")),
        reply(text("Again")),
    )
    async with service.client() as client:
        conversation = await client.begin()
        answer = await client.ask(conversation, "Hi")
        assert answer.text == "One.Two.That is what I know."
        assert answer.done["stop_reason"] == "end_turn"
        assert [request.body.get("tool_choice") for request in model_server.chats] == [None, None, {"type": "none"}]
        assert len({orjson.dumps(request.body["tools"]) for request in model_server.chats}) == 1
        assert "No more tools" in model_server.chats[2].messages[-1]["content"][-1]["text"]
        assert (await client.ask(conversation, "And?")).text == "Again"
    assert "tool_choice" not in model_server.chats[-1].body


@pytest.mark.proves("turn.round-limit")
async def test_without_rounds_no_tools_may_be_called(start_service: StartService, model_server: ModelServer) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_TOOL_ROUNDS="0")
    model_server.script(reply(text("Hello")))
    async with service.client() as client:
        assert (await client.ask(await client.begin(), "Hi")).text == "Hello"
    assert model_server.chats[0].body["tool_choice"] == {"type": "none"}


@pytest.mark.proves("turn.round-limit", "turn.replayable")
async def test_calls_without_offered_tools_are_not_run(start_service: StartService, model_server: ModelServer) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_TOOL_ROUNDS="1")
    insisting = reply(tool("navigate_to", {"path": "/a"}))
    model_server.script(insisting, reply(tool("navigate_to", {"path": "/b"})), reply(text("Again")))
    async with service.client() as client:
        conversation = await client.begin()
        answer = await client.ask(conversation, "Hi")
        assert len(answer.of("client_action")) == 1
        assert answer.done
        assert answer.text.strip()
        assert (await client.ask(conversation, "And?")).text == "Again"


@pytest.mark.proves("turn.thinking-kept")
async def test_thinking_goes_back_with_the_results_unchanged(api_client: Client, model_server: ModelServer) -> None:
    """The model server refuses thoughts that are missing or changed, in this turn and in the next."""
    conversation = await api_client.begin()
    model_server.script(
        reply(thinking("I need the ", "echo."), text("Wait."), tool("echo", {"text": "a"}, call_id="toolu_1")),
        reply(thinking("Good."), text("Done.")),
        reply(text("Again")),
    )
    await api_client.ask(conversation, "Hi")
    await api_client.ask(conversation, "And?")
    for request in model_server.chats[1:]:
        said = request.messages[1]["content"]
        assert [part["type"] for part in said] == ["thinking", "text", "tool_use"]
    assert model_server.chats[2].messages[3]["content"][0]["thinking"] == "Good."
