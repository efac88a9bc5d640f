"""Streams as gateways and platforms send them: whatever comes, the answer ends well and the conversation goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import block, error, reply, text, thinking, tool
from tests.support.model_steps import Frame

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer


async def goes_on(client: Client, model_server: ModelServer, conversation: str) -> list[dict[str, Any]]:
    """Ask once more; the model server refuses what the API would refuse. Returns the messages that were sent."""
    model_server.script(reply(text("It goes on.")))
    assert (await client.ask(conversation, "And now?")).text == "It goes on."
    return model_server.chats[-1].messages


def calls_in(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for message in messages for part in message["content"] if part["type"] == "tool_use"]


@pytest.mark.proves("turn.replayable", "turn.odd-streams")
@pytest.mark.parametrize("name", ["list_organizations " * 16, "functions.list_organizations"], ids=["long", "dots"])
async def test_a_name_that_the_api_refuses_is_mended_live_and_later(
    client: Client, model_server: ModelServer, name: str
) -> None:
    model_server.script(reply(tool(name, {}, call_id="toolu_1")), reply(text("Sorry.")))
    conversation = await client.begin()
    assert (await client.ask(conversation, "Which are there?")).text == "Sorry."
    assert model_server.chats[1].results["toolu_1"]["is_error"] is True
    [live] = calls_in(model_server.chats[1].messages)
    assert calls_in(await goes_on(client, model_server, conversation)) == [live]


@pytest.mark.proves("turn.replayable", "turn.odd-streams")
@pytest.mark.parametrize("call_id", ["functions.list:0", "a b/ü"])
async def test_an_odd_call_id_is_the_same_for_the_client_and_the_model(
    client: Client, model_server: ModelServer, call_id: str
) -> None:
    model_server.script(reply(tool("list_organizations", {}, call_id=call_id)), reply(text("One.")))
    conversation = await client.begin()
    answer = await client.ask(conversation, "Which are there?")
    [sent] = calls_in(model_server.chats[1].messages)
    told = {event.data["id"] for event in answer.of("tool_use_start") + answer.of("tool_result")}
    assert told == {sent["id"]}
    assert "is_error" not in model_server.chats[1].results[sent["id"]]
    assert calls_in(await goes_on(client, model_server, conversation)) == [sent]


@pytest.mark.proves("turn.replayable", "turn.odd-streams")
async def test_empty_and_repeated_call_ids_are_replaced(client: Client, model_server: ModelServer) -> None:
    empty = block({"type": "tool_use", "id": "", "name": "list_organizations", "input": {}})
    twice = [tool("list_organizations", {}, call_id="toolu_1") for _ in range(2)]
    model_server.script(reply(empty, *twice), reply(*twice[:1]), reply(text("One.")))
    conversation = await client.begin()
    assert (await client.ask(conversation, "Which are there?")).text == "One."
    sent = calls_in(await goes_on(client, model_server, conversation))
    assert len({call["id"] for call in sent}) == len(sent) == 4


@pytest.mark.proves("turn.odd-streams")
async def test_tool_use_without_a_call_ends_the_answer(client: Client, model_server: ModelServer) -> None:
    model_server.script(reply(text("I look it up."), stop="tool_use"))
    conversation = await client.begin()
    answer = await client.ask(conversation, "Which are there?")
    assert (answer.text, answer.done["stop_reason"]) == ("I look it up.", "end_turn")
    await goes_on(client, model_server, conversation)


@pytest.mark.proves("turn.odd-streams")
@pytest.mark.parametrize("stop", ["end_turn", "stop_sequence", "tea_break"])
async def test_complete_calls_are_run_whatever_the_stop_reason(
    client: Client, model_server: ModelServer, stop: str
) -> None:
    calling = reply(text("I look it up. "), tool("list_organizations", {}, call_id="toolu_1"), stop=stop)
    model_server.script(calling, reply(text("One.")))
    conversation = await client.begin()
    assert (await client.ask(conversation, "Which are there?")).text == "I look it up. One."
    assert "is_error" not in model_server.chats[1].results["toolu_1"]
    await goes_on(client, model_server, conversation)


@pytest.mark.proves("turn.odd-streams")
@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "model_context_window_exceeded"])
async def test_calls_of_an_answer_that_was_cut_are_not_run(
    client: Client, model_server: ModelServer, stop: str
) -> None:
    model_server.script(reply(text("I look it up."), tool("list_organizations", {}), stop=stop))
    conversation = await client.begin()
    answer = await client.ask(conversation, "Which are there?")
    assert answer.of("tool_result") == []
    assert answer.done["stop_reason"] == stop
    await goes_on(client, model_server, conversation)


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


@pytest.mark.proves("turn.pause-turn", "turn.odd-streams")
@pytest.mark.parametrize(
    ("last", "is_resumed"), [(thinking("Shall I go on?"), False), (text(" \n"), True)], ids=["a-thought", "a-blank"]
)
async def test_a_pause_is_resumed_where_the_api_takes_it(
    client: Client, model_server: ModelServer, last: Any, *, is_resumed: bool
) -> None:
    model_server.script(reply(block(SEARCH), block(FOUND), last, stop="pause_turn"))
    if is_resumed:
        model_server.script(reply(text("Resumed.")))
    conversation = await client.begin()
    answer = await client.ask(conversation, "Which are there?")
    assert answer.text.strip()
    assert ("Resumed." in answer.text) is is_resumed
    await goes_on(client, model_server, conversation)


@pytest.mark.proves("turn.odd-streams", "turn.overload-is-retryable")
@pytest.mark.parametrize("kind", ["overloaded_error", "rate_limit_error"])
async def test_a_momentary_error_as_the_first_event_is_tried_again(
    client: Client, model_server: ModelServer, kind: str
) -> None:
    model_server.script(reply(at={0: error(kind)}), reply(text("At last.")))
    conversation = await client.begin()
    assert (await client.ask(conversation, "Hi")).text == "At last."
    await goes_on(client, model_server, conversation)


def text_in(*pieces: bytes) -> list[Any]:
    """A text block whose deltas hold the given bytes as they are."""
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    head, tail = b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"', b'"}}\n\n'
    stop = b'data: {"type":"content_block_stop","index":0}\n\n'
    return [
        Frame(b"data: " + json.dumps(start).encode() + b"\n\n"),
        *(Frame(head + piece + tail) for piece in pieces),
        Frame(stop),
    ]


@pytest.mark.proves("turn.odd-streams", "graph.hostile-text")
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ((b"a\xff\xfeb",), "a\ufffd\ufffdb"),
        ((rb"a\ud83d", rb"\ude00b"), "a😀b"),
        ((rb"a\ud83d", b"b"), "a\ufffdb"),
        ((b"a", rb"\ud83d"), "a\ufffd"),
    ],
    ids=["no-utf-8", "half-and-half", "half-and-other", "half-at-the-end"],
)
async def test_broken_characters_become_whole_or_replaced(
    client: Client, model_server: ModelServer, pieces: tuple[bytes, ...], expected: str
) -> None:
    model_server.script(reply(*text_in(*pieces)))
    conversation = await client.begin()
    assert (await client.ask(conversation, "Hi")).text == expected
    assert (await client.messages(conversation))[-1]["content"] == expected
    await goes_on(client, model_server, conversation)
