"""The scripted model server, seen by the official SDK and by a plain HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import orjson
import pytest

from local.messages_api import problems
from local.messages_api.thinking import signature_of
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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anthropic.types import MessageParam

pytestmark = pytest.mark.anyio

MODEL = "claude-sonnet-4-6"
HEADERS = {"x-api-key": "key", "anthropic-version": "2026-10-21"}
HELLO: MessageParam = {"role": "user", "content": "Hello"}
TOOL = {"name": "list_projects", "description": "Lists.", "input_schema": {"type": "object", "properties": {}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "list_projects", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "80"}

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


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def running() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def server(running: ModelServer) -> Iterator[ModelServer]:
    running.clear()
    yield running
    running.verify()


@pytest.fixture
async def sdk(server: ModelServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="key", max_retries=2, timeout=10) as client:
        yield client


@pytest.fixture
async def http(server: ModelServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url, headers=HEADERS, timeout=10) as client:
        yield client


def request(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 100, "messages": list(messages) or [HELLO], **fields}


async def final(sdk: anthropic.AsyncAnthropic, *messages: Any, **fields: Any) -> anthropic.types.Message:
    async with sdk.messages.stream(**request(*messages, **fields)) as stream:
        return await stream.get_final_message()


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
    assert (thought.thinking, thought.signature) == ("Which ones?", signature_of("Which ones?"))
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


async def test_the_requests_are_recorded(server: ModelServer, http: httpx2.AsyncClient) -> None:
    server.script(reply(text("a")))
    system = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    await http.post("/v1/messages", json=request(system=system, tools=[TOOL]))
    asked = server.requests[0]
    assert (asked.system, asked.tool_names, asked.messages) == ("Be\nbrief.", ["list_projects"], [HELLO])
    assert asked.results == {}
    assert asked.headers["x-api-key"] == "key"
    assert orjson.loads(asked.raw) == asked.body


async def test_a_server_that_stops_leaves_nobody_waiting() -> None:
    with ModelServer() as server:
        server.script(reply(text("a"), stall()))
        async with httpx2.AsyncClient(base_url=server.url, headers=HEADERS, timeout=10) as http:
            sent = request(stream=True)
            async with http.stream("POST", "/v1/messages", json=sent) as response:
                assert b"message_start" in await anext(response.aiter_bytes())
                server.stop()
        with pytest.raises(AssertionError, match="ended: stopped"):
            await server.wait_closed(server.requests[0])
        with pytest.raises(TimeoutError):
            await server.wait_requests(2, seconds=0.01)


async def test_what_no_sdk_knows_goes_over_the_wire(server: ModelServer, http: httpx2.AsyncClient) -> None:
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


async def test_a_function_answers_by_what_was_asked(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    server.script(lambda body: reply(text(f"You said {body['messages'][-1]['content']}")))
    assert (await final(sdk)).content[0].to_dict()["text"] == "You said Hello"


async def test_titles_take_nothing_from_the_script(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    server.script(reply(text("An answer")))
    server.script_titles(reply(text("Projects of Acme")))
    asked = {"system": "Write a title of at most six words."}
    titles = [(await final(sdk, **asked)).content[0].to_dict()["text"] for _ in range(2)]
    assert titles == ["Projects of Acme", "A question about Imbi"]
    assert (len(server.titles), len(server.chats), server.unsaid) == (2, 0, 1)


async def test_an_empty_script_fails_the_test(server: ModelServer, sdk: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.InternalServerError, match="the script is empty"):
        await final(sdk)
    with pytest.raises(AssertionError, match="request 1: the script is empty, but a request came"):
        server.verify()
    assert len(server.requests) == 1
    server.clear()


async def test_a_function_of_the_script_that_fails_fails_the_test(
    server: ModelServer, sdk: anthropic.AsyncAnthropic
) -> None:
    server.script(lambda body: reply(text(body["nothing"])))
    with pytest.raises(anthropic.InternalServerError, match="KeyError"):
        await final(sdk)
    with pytest.raises(AssertionError, match="KeyError"):
        server.verify()
    server.clear()


async def test_a_refused_request_fails_the_test_unless_it_is_allowed(
    server: ModelServer, sdk: anthropic.AsyncAnthropic
) -> None:
    with pytest.raises(anthropic.BadRequestError, match="at least one message"):
        await sdk.messages.create(model=MODEL, max_tokens=10, messages=[])
    with pytest.raises(AssertionError, match="refused with 400"):
        server.verify()
    server.clear()
    server.allow_refusals()
    with pytest.raises(anthropic.BadRequestError):
        await sdk.messages.create(model=MODEL, max_tokens=10, messages=[])


@pytest.mark.parametrize(
    ("missing", "status", "message"),
    [("x-api-key", 401, "x-api-key header is required"), ("anthropic-version", 400, "anthropic-version")],
)
async def test_the_headers_are_required(server: ModelServer, missing: str, status: int, message: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != missing}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers) as http:
        response = await http.post("/v1/messages", json=request())
    assert response.status_code == status
    assert message in response.json()["error"]["message"]


async def test_other_paths_and_bodies_are_refused(server: ModelServer, http: httpx2.AsyncClient) -> None:
    server.script(reply(text("ok")))
    as_json = {"content-type": "application/json"}
    assert (await http.get("/v1/models")).status_code == 404
    for content in (b"[1]", b'{"a": "\\ud800"}', b"{"):
        response = await http.post("/v1/messages", content=content, headers=as_json)
        assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    counted = await http.post("/v1/messages/count_tokens", json={"model": MODEL, "messages": [HELLO]})
    assert counted.json()["input_tokens"] > 1
    assert (await http.post("/v1/messages?beta=true", json=request())).status_code == 200


async def test_thoughts_that_went_with_a_call_must_come_back_unchanged(
    server: ModelServer, http: httpx2.AsyncClient
) -> None:
    server.allow_refusals()
    server.script(reply(thinking("Hm"), tool("list_projects", call_id="toolu_1")), reply(text("80")))
    said = (await http.post("/v1/messages", json=request(tools=[TOOL]))).json()["content"]
    for content, status in ((said[1:], 400), ([{**said[0], "thinking": "Ha"}, said[1]], 400), (said, 200)):
        messages = (HELLO, {"role": "assistant", "content": content}, {"role": "user", "content": [RESULT]})
        response = await http.post("/v1/messages", json=request(*messages, tools=[TOOL]))
        assert response.status_code == status, response.text
    assert server.requests[-1].results == {"toolu_1": RESULT}


async def test_the_cache_is_counted_by_prefixes(server: ModelServer, http: httpx2.AsyncClient) -> None:
    marked = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "Imbi " * 2000, **marked}]
    server.script(*[reply(text("ok"))] * 4)

    async def usage(*messages: Any, **fields: Any) -> tuple[int, int, int]:
        counts = (await http.post("/v1/messages", json=request(*messages, **fields))).json()["usage"]
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        return (counts[names[0]], counts[names[1]], counts[names[2]])

    fresh, written, read = await usage(system=system)
    assert (written > 2400, read, fresh < 20) == (True, 0, True)
    assert await usage({"role": "user", "content": "Bye"}, system=system) == (fresh, 0, written)
    bye = {"role": "user", "content": [{"type": "text", "text": "Bye " * 200, **marked}]}
    grown = await usage(bye, system=system)
    assert (grown[0], grown[1] > 190, grown[2]) == (0, True, written)
    assert (await usage(bye, tools=[TOOL], system=system))[2] == 0


ACCEPTED = [
    [HELLO],
    [HELLO, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}],
    [HELLO, HELLO, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, HELLO],
    [HELLO, {"role": "assistant", "content": [{"type": "hologram", "depth": 3}]}, HELLO],
    [
        HELLO,
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "theirs"}, CALL]},
        {"role": "user", "content": [RESULT]},
        {"role": "user", "content": "More"},
    ],
]


@pytest.mark.parametrize("messages", ACCEPTED)
def test_good_histories_are_accepted(messages: list[Any]) -> None:
    assert problems(request(*messages)) == []


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


REFUSED_HISTORIES = [
    ("first message", [assistant({"type": "text", "text": "a"}), HELLO]),
    ("without `tool_result` blocks immediately after: toolu_1", [HELLO, assistant(CALL), HELLO]),
    ("without `tool_result`", [HELLO, assistant(CALL), user({"type": "text", "text": "a"}, RESULT)]),
    ("without `tool_result`", [HELLO, assistant(CALL)]),
    ("messages.0.content.0: unexpected `tool_use_id`", [user(RESULT)]),
    ("must be unique", [HELLO, assistant(CALL), user(RESULT), assistant(CALL), user(RESULT)]),
    ("a single result", [HELLO, assistant(CALL), user(RESULT, RESULT)]),
    ("can only be in `assistant`", [user(CALL), user(RESULT)]),
    ("can only be in `user`", [HELLO, assistant(CALL, RESULT)]),
    ("tool_use.input", [HELLO, assistant({**CALL, "input": "x"}), user(RESULT)]),
    ("tool_use.name", [HELLO, assistant({**CALL, "name": "a b"}), user(RESULT)]),
    ("tool_use.id", [HELLO, assistant({**CALL, "id": "a b"}), user({**RESULT, "tool_use_id": "a b"})]),
    ("cannot be empty if", [HELLO, assistant(CALL), user({**RESULT, "content": "", "is_error": True})]),
    ("tool_result.content", [HELLO, assistant(CALL), user({**RESULT, "content": 3})]),
    ("user messages must have non-empty", [{"role": "user", "content": ""}]),
    ("all messages must have non-empty", [HELLO, assistant(), HELLO]),
    ("must be non-empty", [user({"type": "text", "text": ""})]),
    ("must be non-empty", [HELLO, assistant(CALL), user({**RESULT, "content": [{"type": "text", "text": ""}]})]),
    ("non-whitespace", [{"role": "user", "content": " \n"}]),
    ("trailing whitespace", [HELLO, {"role": "assistant", "content": "a "}]),
    ("prefill", [HELLO, {"role": "assistant", "content": "a"}]),
    ("thinking.signature: Field required", [HELLO, assistant({"type": "thinking", "thinking": "x"}), HELLO]),
    (
        "Invalid `signature`",
        [HELLO, assistant({"type": "thinking", "thinking": "x", "signature": signature_of("y")}), HELLO],
    ),
    ("redacted_thinking.data", [HELLO, assistant({"type": "redacted_thinking"}), HELLO]),
    ("text.duration_ms: Extra inputs", [user({"type": "text", "text": "a", "duration_ms": 3})]),
    ("discriminator", [user({"text": "a"})]),
    ("role: Input should be", [{"role": "system", "content": "a"}]),
    ("messages.0.id: Extra", [{"role": "user", "content": "a", "id": 1}]),
    ("content: Field required", [{"role": "user"}]),
    ("content: Input should be a valid list", [{"role": "user", "content": 3}]),
    ("valid dictionary", ["Hello"]),
]


@pytest.mark.parametrize(("problem", "messages"), REFUSED_HISTORIES)
def test_bad_histories_are_refused(problem: str, messages: list[Any]) -> None:
    assert problem in "\n".join(problems(request(*messages)))


def schema(**fields: Any) -> dict[str, Any]:
    return {"tools": [{**TOOL, "input_schema": {"type": "object", **fields}}]}


def marks(*ttls: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": ttl}} for ttl in ttls]


REFUSED_FIELDS = [
    ("temperature: Extra inputs", {"temperature": 1}),
    ("context_management: Extra inputs", {"context_management": {}}),
    ("max_tokens: Input should be greater", {"max_tokens": 0}),
    ("max_tokens: Input should be a valid integer", {"max_tokens": "9"}),
    ("model: String", {"model": ""}),
    ("messages: Input should be a valid list", {"messages": "Hello"}),
    ("tools: Input should be a valid list", {"tools": {}}),
    ("system: text content blocks", {"system": [{"type": "text", "text": ""}]}),
    ("Tool names must be unique", {"tools": [TOOL, TOOL]}),
    ("tools.0.custom.name: String should match", {"tools": [{**TOOL, "name": "a.b"}]}),
    ("tools.0.custom.description", {"tools": [{**TOOL, "description": None}]}),
    ("tools.0.custom.meta: Extra", {"tools": [{**TOOL, "meta": {}}]}),
    ("tools.0.custom.input_schema: Field required", {"tools": [{"name": "a"}]}),
    ("input_schema: Input should be a valid dict", {"tools": [{**TOOL, "input_schema": None}]}),
    ("input_schema.type: Field required", {"tools": [{**TOOL, "input_schema": {}}]}),
    ("Input should be 'object'", {"tools": [{**TOOL, "input_schema": {"type": "string"}}]}),
    ("does not support oneOf", schema(anyOf=[{"required": ["a"]}])),
    ("Property keys should match", schema(properties={"filter[name]": {"type": "string"}})),
    ("Property keys", schema(properties={"a": {"type": "array", "items": {"properties": {"@id": {}}}}})),
    ("JSON schema is invalid", schema(properties={"a": {"type": "strin"}})),
    ("tool_choice may only be", {"tool_choice": {"type": "auto"}}),
    ("Tool 'x' not found", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}),
    ("A maximum of 4 blocks with cache_control may be provided. Found 5.", {"system": marks(*["5m"] * 5)}),
    ("must not come after a ttl='5m'", {"system": marks("5m", "1h")}),
    ("cache_control: Input", {"system": marks("1d")}),
    (
        "cannot have both",
        {"tools": [{**TOOL, "defer_loading": True, "cache_control": {"type": "ephemeral"}}]},
    ),
]


@pytest.mark.parametrize(("problem", "fields"), REFUSED_FIELDS)
def test_bad_fields_are_refused(problem: str, fields: dict[str, Any]) -> None:
    assert problem in "\n".join(problems(request() | fields))


def test_good_fields_are_accepted() -> None:
    properties = {"a.b-c_d": {"type": "string", "default": {"properties": {"@x": 1}}}}
    fields = schema(properties=properties) | {"tool_choice": {"type": "none"}, "system": marks("1h", "5m")}
    assert problems(request(**fields)) == []
    assert problems(request(context_management={}), has_beta=True) == []
