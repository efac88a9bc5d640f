"""The demo model's answers on the wire: events, refusals, tokens and the prompt cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.demo_model.titles import title_of
from local.messages_api.prompt_cache import InputUsage
from local.messages_api.reply import Reply, stream
from tests.support.demo_assistant import HEADERS, HELLO, reply_to, text_of, user

if TYPE_CHECKING:
    import anthropic
    import httpx2


async def events_of(http: httpx2.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    response = await http.post("/v1/messages", json={**body, "stream": True}, headers=HEADERS)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["request-id"].startswith("req_")
    frames = [frame.split("\n") for frame in response.text.removesuffix("\n\n").split("\n\n")]
    events = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    assert [name.removeprefix("event: ") for name, _ in frames] == [event["type"] for event in events]
    return events


async def test_a_text_is_streamed_in_the_apis_events(http: httpx2.AsyncClient) -> None:
    events = await events_of(http, HELLO)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert set(kinds[3:-3]) <= {"content_block_delta", "ping"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    message = events[0]["message"]
    assert message["role"] == "assistant"
    assert message["model"] == "claude-demo"
    assert message["content"] == []
    assert message["stop_reason"] is None
    assert message["usage"]["input_tokens"] > 0
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2]["usage"]["output_tokens"] > 10


async def test_a_call_is_streamed_in_pieces_of_its_input(http: httpx2.AsyncClient) -> None:
    question = user("Search my conversations for the failover of the primary database")
    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    tools = [{"name": "search_my_conversations", "input_schema": schema}]
    events = await events_of(http, {**HELLO, "messages": question, "tools": tools})
    start = next(event for event in events if event["type"] == "content_block_start" and event["index"] == 1)
    assert start["content_block"]["type"] == "tool_use"
    assert start["content_block"]["id"].startswith("toolu_")
    assert start["content_block"]["input"] == {}
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta" and event["index"] == 1]
    assert {delta["type"] for delta in deltas} == {"input_json_delta"}
    assert len(deltas) > 2
    assert json.loads("".join(delta["partial_json"] for delta in deltas)) == {
        "query": "the failover of the primary database"
    }
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_an_unstreamed_reply_has_the_same_content(claude: anthropic.AsyncAnthropic) -> None:
    whole = await reply_to(claude)
    async with claude.messages.stream(**HELLO) as events:
        streamed = await events.get_final_message()
    assert text_of(whole) == text_of(streamed)
    assert whole.stop_reason == streamed.stop_reason == "end_turn"
    assert whole.usage.output_tokens == streamed.usage.output_tokens


async def test_words_come_at_the_pace_asked_for() -> None:
    text = "one two three four five six seven eight"
    reply = Reply("msg_1", "claude-demo", [{"type": "text", "text": text}], "end_turn", None, InputUsage(1))
    steps: list[str] = []

    async def sleep(seconds: float) -> None:
        steps.append(f"{seconds} s")

    async for frame in stream(reply, 0.02, sleep):
        steps += ["word"] if b"text_delta" in frame else []
    assert steps == ["word", "0.02 s"] * 8


REFUSED = [
    ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
    ({"messages": []}, "messages: at least one message is required"),
    (
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        "The conversation must end with a user message.",
    ),
    ({"temperature": 0.5}, "temperature: Extra inputs are not permitted"),
    ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "tools.0.custom.name: String should match"),
    ({"stream": "perhaps"}, "stream: Input should be a valid boolean"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
async def test_a_request_that_the_api_would_refuse_is_refused(
    http: httpx2.AsyncClient, change: dict[str, Any], message: str
) -> None:
    response = await http.post("/v1/messages", json={**HELLO, **change}, headers=HEADERS)
    body = response.json()
    assert response.status_code == 400
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert message in body["error"]["message"]
    assert body["request_id"] == response.headers["request-id"]


async def test_a_count_needs_no_max_tokens_and_may_end_with_the_assistant(http: httpx2.AsyncClient) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    body = {"model": "claude-demo", "messages": messages}
    assert (await http.post("/v1/messages/count_tokens", json=body, headers=HEADERS)).status_code == 200
    refused = await http.post("/v1/messages/count_tokens", json={**body, "messages": []}, headers=HEADERS)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_broken_body_and_a_missing_key_have_the_apis_errors(http: httpx2.AsyncClient) -> None:
    broken = await http.post("/v1/messages", content=b"{", headers=HEADERS)
    keyless = await http.post("/v1/messages", json=HELLO, headers={"anthropic-version": "2026-10-21"})
    elsewhere = await http.post("/v1/nothing", json=HELLO, headers=HEADERS)
    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (keyless.status_code, keyless.json()["error"]["type"]) == (401, "authentication_error")
    assert (elsewhere.status_code, elsewhere.json()["error"]["type"]) == (404, "not_found_error")


async def test_the_tokens_of_a_request_are_counted(claude: anthropic.AsyncAnthropic) -> None:
    count = await claude.messages.count_tokens(model="claude-demo", messages=[{"role": "user", "content": "x" * 400}])
    assert 100 <= count.input_tokens <= 130


async def test_a_marked_prefix_is_written_to_the_cache_and_read_from_it(claude: anthropic.AsyncAnthropic) -> None:
    system = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    first = (await reply_to(claude, system=system)).usage
    second = (await reply_to(claude, system=system, messages=user("help"))).usage
    assert first.cache_creation_input_tokens is not None
    assert first.cache_creation_input_tokens > 2000
    assert first.cache_read_input_tokens == 0
    assert second.cache_creation_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.input_tokens < 50


async def test_max_tokens_and_stop_sequences_end_a_reply(claude: anthropic.AsyncAnthropic) -> None:
    cut = await reply_to(claude, max_tokens=5)
    stopped = await reply_to(claude, stop_sequences=["demo"])
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens <= 5
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "demo")
    assert "demo" not in text_of(stopped)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Who owns the Payment Gateway?", "Owner of Payment Gateway"),
        ("Can you please show me the latest releases of checkout-api?", "Releases of checkout-api"),
        (
            '<context>{"page": "/projects/1"}</context>\nHow many projects are written in Go?',
            "Number of projects written in Go",
        ),
        ("What depends on the event bus? And why?", "Dependents of event bus"),
        ("hi", "Hi"),
    ],
)
def test_a_title_is_made_of_the_users_words(question: str, title: str) -> None:
    assert title_of(question) == title


async def test_a_request_for_a_title_gets_at_most_six_words_and_no_call(claude: anthropic.AsyncAnthropic) -> None:
    reply = await reply_to(
        claude,
        max_tokens=64,
        system="Reply with nothing but a title of at most six words for what the user asks.",
        messages=user("Tell me which of our projects in the shop depend on the payment gateway"),
    )
    assert reply.stop_reason == "end_turn"
    assert 0 < len(text_of(reply).split()) <= 6
