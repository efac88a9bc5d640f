"""An answer without tools: its events, the stored messages, the request to the model."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.agent.prompt import FACTS_TAG
from tests.support.model_server import block, event, ping, raw, reply, text, thinking, tool, wait

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

MESSAGE_FIELDS = {
    "id",
    "conversation_id",
    "role",
    "content",
    "tool_use",
    "tool_results",
    "created_at",
    "sequence",
    "token_usage",
    "is_partial",
    "stop_reason",
    "error",
    "is_superseded",
    "thinking",
    "tool_details",
    "approval",
    "feedback",
}


@pytest.mark.proves("stream.headers")
async def test_the_response_is_a_stream_that_no_proxy_stores(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    async with client.stream(conversation, "Hi") as stream:
        headers = stream.response.headers
        assert headers["content-type"].partition(";")[0] == "text/event-stream"
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")
        assert "content-length" not in headers
        await stream.rest()


@pytest.mark.proves("stream.lines")
async def test_the_bytes_are_what_the_ui_splits_on(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("A\r\nB\n\nC\rD", "event: x\ndata: {}\n\n", "\u2028é😀")))
    response = await client.post(conversation, "Hi")
    assert b"\r" not in response.content
    frames = response.content.decode().split("\n\n")
    assert frames.pop() == ""
    for frame in frames:
        assert re.fullmatch(r"(id: [0-9a-f]{8}-\d+\n)?event: [a-z_]+\ndata: \{.*\}", frame), frame
    assert b'\nevent: text\ndata: {"text":' in response.content
    assert [message["content"] for message in await client.messages(conversation)] == [
        "Hi",
        "A\r\nB\n\nC\rDevent: x\ndata: {}\n\n\u2028é😀",
    ]


@pytest.mark.proves("stream.text", "stream.block-stop", "stream.one-terminal-event")
async def test_the_events_of_a_plain_answer(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hel", "lo."), text("Bye.")))
    answer = await client.ask(conversation, "Hi")
    assert [(event.name, event.data) for event in answer.events[:5]] == [
        ("text", {"text": "Hel"}),
        ("text", {"text": "lo."}),
        ("content_block_stop", {}),
        ("text", {"text": "Bye."}),
        ("content_block_stop", {}),
    ]
    assert answer.names[5:] == ["done", "title_updated"]


@pytest.mark.proves("stream.text")
async def test_text_comes_as_the_model_writes_it(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    gates = [model_server.gate() for _ in range(3)]
    model_server.script(reply(text("one", wait(gates[0]), "two", wait(gates[1]), "three", wait(gates[2]))))
    async with client.stream(conversation, "Hi") as stream:
        for expected, gate in zip(("one", "two", "three"), gates, strict=True):
            assert (await stream.next()).data == {"text": expected}
            gate.open()
        await stream.rest()


@pytest.mark.proves("stream.done", "stream.done-means-stored", "messages.fields", "messages.token-usage")
async def test_done_names_a_message_that_can_be_read(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    usage = {
        "input_tokens": 11,
        "output_tokens": 7,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 3,
    }
    hold = model_server.gate()
    model_server.script(reply(text("Hello"), usage=usage))
    model_server.script_titles(reply(text("A title"), first_byte=hold))
    async with client.stream(conversation, "Hi") as stream:
        done = await stream.until("done")
        question, answer = await client.messages(conversation)
        hold.open()
        await stream.rest()
    assert done.data["stop_reason"] == "end_turn"
    assert done.data["usage"] == usage
    assert done.data["message_id"] == answer["id"]
    assert question.keys() == answer.keys() == MESSAGE_FIELDS
    assert (question["role"], question["content"], question["token_usage"]) == ("user", "Hi", None)
    assert (answer["role"], answer["content"], answer["token_usage"]) == ("assistant", "Hello", usage)
    for message in (question, answer):
        assert str(UUID(message["id"])) == message["id"]
        assert message["conversation_id"] == conversation
        assert datetime.fromisoformat(message["created_at"]).tzinfo is not None
        assert (message["tool_use"], message["tool_results"]) == (None, None)


@pytest.mark.proves("messages.sequence", "conversations.get", "turn.history")
async def test_a_conversation_grows_without_gaps(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for number in range(3):
        model_server.script(reply(text(f"answer {number}")))
        await client.ask(conversation, f"question {number}")
    messages = await client.messages(conversation)
    assert [message["sequence"] for message in messages] == list(range(6))
    said = [f"{kind} {number}" for number in range(3) for kind in ("question", "answer")]
    assert [message["content"] for message in messages] == said
    asked = model_server.chats[-1].messages
    assert [message["role"] for message in asked] == ["user", "assistant"] * 2 + ["user"]
    assert [message["content"][-1]["text"] for message in asked] == said[:-1]
    assert all(message["content"][0]["text"].startswith(f"<{FACTS_TAG}>") for message in asked[::2])
    times = [message["created_at"] for message in messages]
    assert times == sorted(times)


@pytest.mark.proves("messages.user-first")
async def test_the_question_is_stored_before_the_model_is_asked(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    hold = model_server.gate()
    model_server.script(reply(text("Hello"), first_byte=hold))
    async with client.stream(conversation, "Hi") as stream:
        await hold.reached()
        assert [message["content"] for message in await client.messages(conversation)] == ["Hi"]
        hold.open()
        await stream.rest()


@pytest.mark.proves("graph.schema")
async def test_messages_hang_on_their_conversation_in_the_graph(
    client: Client, model_server: ModelServer, database: Database
) -> None:
    conversation = await client.begin()
    model_server.script(reply(tool("nothing", {"a": [1]})), reply(text("Hello")))
    await client.ask(conversation, "Hi")
    stored = await database.cypher(
        "MATCH (c:Conversation)-[:CONTAINS]->(m:Message) WHERE c.id = $id RETURN properties(m)", id=conversation
    )
    asked, called, returned, said = sorted(stored, key=lambda message: message["sequence"])
    assert (asked["role"], asked["content"], said["role"], said["content"]) == ("user", "Hi", "assistant", "Hello")
    assert {message["conversation_id"] for message in stored} == {conversation}
    for value in (called["tool_use"], returned["tool_results"], said["token_usage"]):
        assert isinstance(value, str)
        assert value[0] in "[{"
    for message in stored:
        assert all(not isinstance(value, list | dict) for value in message.values())


@pytest.mark.proves("turn.unknown-blocks")
async def test_unknown_blocks_and_events_do_no_harm(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(
        reply(
            block({"type": "hologram", "depth": 3}, {"type": "depth_delta", "depth": 4}),
            ping(),
            event("weather", {"type": "weather", "is": "fine"}),
            raw(b": a comment\n\n"),
            raw(b"\n\n"),
            text("Hello"),
            stop="tea_break",
        ),
        reply(text("Again")),
    )
    answer = await client.ask(conversation, "Hi")
    assert (answer.text, answer.done["stop_reason"]) == ("Hello", "tea_break")
    assert answer.names == ["text", "content_block_stop", "done", "title_updated"]
    assert (await client.ask(conversation, "And?")).text == "Again"


@pytest.mark.proves("turn.thinking-kept", "stream.block-stop")
async def test_thinking_is_stored_and_not_shown(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(thinking("Let me", " see"), text("Hello")), reply(text("Again")))
    answer = await client.ask(conversation, "Hi")
    assert answer.names == ["text", "content_block_stop", "done", "title_updated"]
    assert (await client.messages(conversation))[1]["content"] == "Hello"
    await client.ask(conversation, "And?")
    said = model_server.chats[1].messages[1]["content"]
    assert [part["type"] for part in said] == ["thinking", "text"]
    assert said[0]["thinking"] == "Let me see"


@pytest.mark.slow
@pytest.mark.proves("stream.ping")
async def test_silence_is_filled_with_comments(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    hold = model_server.gate()
    model_server.script(reply(text("Hel", wait(hold), "lo")))
    async with client.stream(conversation, "Hi") as stream:
        await stream.next()
        assert await stream.comment() == ": ping"
        hold.open()
        assert (await stream.next()).data == {"text": "lo"}
        await stream.rest()
