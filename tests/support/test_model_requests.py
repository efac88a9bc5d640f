"""The scripted model server records, refuses and counts requests."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import orjson
import pytest

from tests.support.model_server import (
    ModelServer,
    reply,
    stall,
    text,
    thinking,
    tool,
)
from tests.support.sample_requests import HEADERS, HELLO, MODEL, RESULT, TOOL, final, request


async def test_the_requests_are_recorded(server: ModelServer, http: httpx2.AsyncClient) -> None:
    server.script(reply(text("a")))
    system = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    await http.post("/v1/messages", json=request(system=system, tools=[TOOL]))
    asked = server.requests[0]
    assert (asked.system, asked.tool_names, asked.messages) == ("Be\nbrief.", ["list_projects"], [HELLO])
    assert asked.results == {}
    assert asked.headers["x-api-key"] == "key"
    assert orjson.loads(asked.raw) == asked.body


async def test_a_server_that_stops_ends_all_waits() -> None:
    with ModelServer() as server:
        server.script(reply(text("a"), stall()))
        async with httpx2.AsyncClient(base_url=server.url, headers=HEADERS, timeout=30) as http:
            sent = request(stream=True)
            async with http.stream("POST", "/v1/messages", json=sent) as response:
                assert b"message_start" in await anext(response.aiter_bytes())
                server.stop()
        with pytest.raises(AssertionError, match="ended: stopped"):
            await server.wait_closed(server.requests[0])
        with pytest.raises(TimeoutError):
            await server.wait_requests(2, seconds=0.01)


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


async def test_thoughts_that_went_with_a_call_come_back_unchanged_or_not_at_all(
    server: ModelServer, http: httpx2.AsyncClient
) -> None:
    server.allow_refusals()
    server.script(reply(thinking("Hm"), tool("list_projects", call_id="toolu_1")), *[reply(text("80"))] * 2)
    said = (await http.post("/v1/messages", json=request(tools=[TOOL]))).json()["content"]
    for content, status in (([{**said[0], "thinking": "Ha"}, said[1]], 400), (said, 200), (said[1:], 200)):
        messages = (HELLO, {"role": "assistant", "content": content}, {"role": "user", "content": [RESULT]})
        response = await http.post("/v1/messages", json=request(*messages, tools=[TOOL]))
        assert response.status_code == status, response.text
    assert server.requests[-1].results == {"toolu_1": RESULT}
    assert (len(server.refused), server.stripped_thinking) == (1, 1)


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
