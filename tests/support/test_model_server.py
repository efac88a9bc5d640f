"""The scripted model server, seen by the official SDK and by a plain HTTP client."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import orjson
import pytest

from local.messages_api.binding import is_signed_text
from tests.support.model_server import (
    ModelServer,
    block,
    cut,
    empty,
    end,
    error,
    event,
    http_error,
    ping,
    raw,
    redacted_thinking,
    reply,
    reset,
    server_tool,
    stall,
    text,
    thinking,
    tool,
    wait,
)
from tests.support.sample_requests import final, request

WIRE = """\
event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":\
{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

"""


async def test_a_stream_is_written_as_the_api_writes_it(server: ModelServer, http: httpx2.AsyncClient) -> None:
    server.script(reply(text("Hel", "lo"), usage={"input_tokens": 3, "output_tokens": 2}))
    response = await http.post("/v1/messages", json=request(stream=True))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    start, rest = response.text.split("\n\n", 1)
    assert start.startswith(
        'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-4-6"'
    )
    assert rest == WIRE
    assert b"\r" not in response.content


async def test_the_sdk_reads_every_kind_of_block(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    server.script(
        reply(
            thinking("Which ", "ones?", chunks=2),
            redacted_thinking(),
            text("Let me look 👀.", chunks=4),
            server_tool("web_search", {"query": "imbi"}),
            tool("list_projects", {"org_slug": "acme", "limit": 3}, call_id="toolu_a", chunks=5),
            tool("list_teams", call_id="toolu_b"),
        )
    )
    message = await final(sdk)
    assert message.stop_reason == "tool_use"
    assert [content.type for content in message.content] == [
        *("thinking", "redacted_thinking", "text", "server_tool_use", "tool_use", "tool_use")
    ]
    thought, said, call = message.content[0], message.content[2], message.content[4]
    assert thought.type == "thinking"
    assert thought.thinking == "Which ones?"
    assert is_signed_text(thought.signature, "Which ones?")
    assert said.type == "text"
    assert said.text == "Let me look 👀."
    assert call.type == "tool_use"
    assert call.input == {"org_slug": "acme", "limit": 3}


async def test_a_request_that_does_not_stream_gets_the_whole_message(
    server: ModelServer, sdk: anthropic.AsyncAnthropic
) -> None:
    server.script(reply(text("Hello"), stop="max_tokens", usage={"output_tokens": 42}))
    message = await sdk.messages.create(**request())
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 42)
    assert [content.to_dict() for content in message.content] == [{"type": "text", "text": "Hello"}]


async def test_a_request_that_does_not_stream_fails_as_scripted(server: ModelServer, http: httpx2.AsyncClient) -> None:
    gate = server.gate()
    gate.open()
    server.script(reply(text("a"), wait(gate), error()), reply(text("a"), cut()))
    response = await http.post("/v1/messages", json=request())
    assert (response.status_code, response.json()["error"]["type"]) == (529, "overloaded_error")
    with pytest.raises(httpx2.RemoteProtocolError):
        await http.post("/v1/messages", json=request())


async def test_events_and_blocks_unknown_to_the_sdk_are_sent(server: ModelServer, http: httpx2.AsyncClient) -> None:
    future = block({"type": "hologram", "depth": 3}, {"type": "depth_delta", "depth": 4})
    server.script(reply(ping(), future, event("weather", {"type": "weather"}), text("Hi"), stop="tea_break"))
    response = await http.post("/v1/messages", json=request(stream=True))
    for piece in ('"hologram"', '"depth_delta"', "event: weather\n", '"stop_reason":"tea_break"'):
        assert piece in response.text


async def test_a_gate_holds_the_stream_until_it_is_opened(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    first, middle = server.gate(), server.gate()
    server.script(reply(text("a", wait(middle), "b"), first_byte=first))
    first.open()
    async with sdk.messages.stream(**request()) as stream:
        texts = aiter(stream.text_stream)
        assert await anext(texts) == "a"
        await middle.reached()
        middle.open()
        assert [piece async for piece in texts] == ["b"]
    await server.wait_requests(1)


async def test_a_client_that_closes_early_is_noticed(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    server.script(reply(text("a"), stall()), reply(text("b")))
    async with sdk.messages.stream(**request()) as stream:
        assert await anext(aiter(stream.text_stream)) == "a"
    await server.wait_closed(server.requests[0])
    await final(sdk)
    with pytest.raises(AssertionError, match="ended: complete"):
        await server.wait_closed(server.requests[1])


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (reply(text("a", "b"), at={4: reset()}), httpx2.ReadError),
        (reply(text("a", "b"), at={4: cut()}), httpx2.RemoteProtocolError),
        (reply(text("a"), error()), anthropic.APIStatusError),
        (reply(text("a"), raw(b"event: content_block_delta\ndata: {broken\n\n")), orjson.JSONDecodeError),
        (reply(tool("list_projects", '{"a": }')), ValueError),
        (empty(), AssertionError),
    ],
    ids=["reset", "cut", "error", "broken line", "malformed input", "empty"],
)
async def test_a_stream_breaks_off_as_scripted(
    server: ModelServer, sdk: anthropic.AsyncAnthropic, broken: Any, expected: type[Exception]
) -> None:
    server.script(broken)
    with pytest.raises(expected if expected is not orjson.JSONDecodeError else ValueError):
        await final(sdk)


async def test_an_end_without_message_stop_leaves_no_stop_reason(
    server: ModelServer, sdk: anthropic.AsyncAnthropic
) -> None:
    server.script(reply(text("a"), end()))
    message = await final(sdk)
    assert message.stop_reason is None


async def test_errors_before_the_stream_are_tried_again_by_the_sdk(
    server: ModelServer, sdk: anthropic.AsyncAnthropic
) -> None:
    overloaded = http_error(529, "overloaded_error", "Overloaded")
    server.script(overloaded, overloaded, reply(text("At last")))
    assert (await final(sdk)).content[0].to_dict() == {"type": "text", "text": "At last"}
    server.script(http_error(429, "rate_limit_error", "Slow down", retry_after="7", x_should_retry="false"))
    with pytest.raises(anthropic.RateLimitError) as caught:
        await final(sdk)
    assert (caught.value.response.headers["retry-after"], caught.value.type) == ("7", "rate_limit_error")


async def test_a_function_chooses_the_answer_by_the_request(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    server.script(lambda body: reply(text(f"You said {body['messages'][-1]['content']}")))
    assert (await final(sdk)).content[0].to_dict()["text"] == "You said Hello"
