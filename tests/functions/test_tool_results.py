"""Results of tools that are errors, late or too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.observed_api import ObservedApi
    from tests.support.service import Service


@pytest.mark.proves("turn.malformed-input", "tools.failure-is-result")
@pytest.mark.parametrize("malformed", ['{"text": ', '["a"]', '"a"', "{'text': 'a'}", '{"text": "a"} {}', "nonsense"])
async def test_malformed_input_is_not_run(
    api_client: Client, api: ObservedApi, model_server: ModelServer, malformed: str
) -> None:
    conversation = await api_client.begin()
    model_server.script(
        reply(tool("whoami", malformed, call_id="toolu_1")),
        reply(tool("echo", {"text": "a"}, call_id="toolu_2")),
        reply(text("Done.")),
        reply(text("Again")),
    )
    answer = await api_client.ask(conversation, "Hi")
    assert answer.done
    assert [event.data["is_error"] for event in answer.of("tool_result")] == [True, False]
    assert result_of(model_server, "toolu_1")["is_error"] is True
    assert "not" in told(result_of(model_server, "toolu_1"))
    assert [path.partition("?")[0] for path in api.calls] == ["/api/echo"]
    assert (await api_client.ask(conversation, "And?")).text == "Again"


@pytest.mark.proves("tools.failure-is-result")
@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (("fail", {"status": 404, "detail": "No project 'x'."}), "No project 'x'."),
        (("fail", {"status": 500, "detail": "oops"}), "500"),
        (("echo", {}), "text"),
        (("no_such_tool", {}), "no_such_tool"),
        (("navigate_to", {"path": "https://evil.example.com/"}), "path"),
    ],
)
async def test_a_failure_is_a_result_and_the_turn_goes_on(
    api_client: Client, model_server: ModelServer, call: tuple[str, dict[str, Any]], reason: str
) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(tool(*call, call_id="toolu_1")), reply(text("Sorry.")))
    answer = await api_client.ask(conversation, "Hi")
    assert answer.text == "Sorry."
    assert [event.data["is_error"] for event in answer.of("tool_result")] == [True]
    result = result_of(model_server, "toolu_1")
    assert result["is_error"] is True
    assert reason in told(result)


@pytest.mark.proves("tools.failure-is-result")
async def test_a_tool_that_does_not_answer_is_given_up(
    api: ObservedApi, start_service: StartService, api_service: Service, model_server: ModelServer
) -> None:
    url = str(api_service.settings.api_url)
    service = start_service(IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_TOOL_TIMEOUT_SECONDS="0.2")
    model_server.script(
        reply(tool("hang", call_id="toolu_1"), tool("echo", {"text": "a"}, call_id="toolu_2")), reply(text("Sorry."))
    )
    async with service.client() as client:
        answer = await client.ask(await client.begin(), "Hi")
    assert answer.text == "Sorry."
    assert result_of(model_server, "toolu_1")["is_error"] is True
    assert "0.2 seconds" in told(result_of(model_server, "toolu_1"))
    assert "is_error" not in result_of(model_server, "toolu_2")
    assert len(api.calls) == 2


@pytest.mark.proves("tools.truncated")
async def test_a_long_result_is_cut(
    api: ObservedApi, api_service: Service, start_service: StartService, model_server: ModelServer
) -> None:
    url = str(api_service.settings.api_url)
    for limit, size, expected in (("100", 5000, 100), ("0", 130_000, 130_002), ("100", 50, 52)):
        service = start_service(IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_MAX_TOOL_RESULT_CHARS=limit)
        model_server.clear()
        model_server.script(reply(tool("long_text", {"size": size}, call_id="toolu_1")), reply(text("Done.")))
        async with service.client() as client:
            await client.ask(await client.begin(), "Hi")
        content = told(result_of(model_server, "toolu_1"))
        kept, _, notice = content.partition("\n\n[")
        assert len(kept) == expected
        assert bool(notice) == (size == 5000)
        if notice:
            assert "5,002" in notice
            assert "narrower" in notice
    assert len(api.calls) == 3
