"""Tools that run in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.tool_results import of_call, result_of, told

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer


@pytest.mark.proves("client-tools.navigate-to", "client-tools.refresh-data")
async def test_client_actions_are_sent_to_the_browser(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(
        reply(
            tool("navigate_to", {"path": "/projects/123?tab=a#b"}, call_id="toolu_1"),
            tool("refresh_data", {"resource": "projects", "org_slug": "fernwood"}, call_id="toolu_2"),
            tool("refresh_data", {"resource": "users"}, call_id="toolu_3"),
        ),
        reply(text("There you are.")),
    )
    answer = await client.ask(conversation, "Show it")
    assert [event.data for event in answer.of("client_action")] == [
        {"id": "toolu_1", "action": "navigate_to", "params": {"path": "/projects/123?tab=a#b"}},
        {"id": "toolu_2", "action": "refresh_data", "params": {"resource": "projects", "org_slug": "fernwood"}},
        {"id": "toolu_3", "action": "refresh_data", "params": {"resource": "users"}},
    ]
    assert answer.of("tool_executing", "tool_result") == []
    for call_id in ("toolu_1", "toolu_2", "toolu_3"):
        result = result_of(model_server, call_id)
        assert told(result)
        assert "is_error" not in result


@pytest.mark.proves("client-tools.invalid")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("navigate_to", {"path": "https://evil.example.com"}),
        ("navigate_to", {"path": "//evil.example.com"}),
        ("navigate_to", {"path": "javascript:alert(1)"}),
        ("navigate_to", {}),
        ("navigate_to", '{"path": '),
        ("refresh_data", {"resource": "secrets"}),
        ("refresh_data", {"resource": ["projects"]}),
        ("refresh_data", {}),
    ],
)
async def test_an_action_that_is_not_allowed_reaches_no_browser(
    client: Client, model_server: ModelServer, name: str, arguments: dict[str, Any] | str
) -> None:
    conversation = await client.begin()
    model_server.script(reply(tool(name, arguments, call_id="toolu_1")), reply(text("Sorry.")))
    answer = await client.ask(conversation, "Hi")
    assert answer.text == "Sorry."
    assert answer.of("client_action") == []
    assert result_of(model_server, "toolu_1")["is_error"] is True


@pytest.mark.proves("client-tools.mixed")
async def test_the_browsers_and_the_apis_tools_go_together(api_client: Client, model_server: ModelServer) -> None:
    conversation = await api_client.begin()
    model_server.script(
        reply(
            tool("echo", {"text": "a"}, call_id="toolu_1"),
            tool("navigate_to", {"path": "/projects"}, call_id="toolu_2"),
            tool("whoami", {"mark": "b"}, call_id="toolu_3"),
        ),
        reply(text("Done.")),
    )
    answer = await api_client.ask(conversation, "Hi")
    assert [*model_server.chats[1].results] == ["toolu_1", "toolu_2", "toolu_3"]
    assert (
        of_call(answer, "toolu_1") == of_call(answer, "toolu_3") == ["tool_use_start", "tool_executing", "tool_result"]
    )
    assert of_call(answer, "toolu_2") == ["tool_use_start", "client_action"]
