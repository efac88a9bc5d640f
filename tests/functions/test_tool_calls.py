"""The loop: the model's calls, their results, and the end of it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, thinking, tool
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.imbi import ImbiApi
    from tests.support.model_server import ModelServer
    from tests.support.service import Service
    from tests.support.sse import Answer


def result_of(model_server: ModelServer, call_id: str, request: int = 1) -> dict[str, Any]:
    result: dict[str, Any] = model_server.chats[request].results[call_id]
    return result


def told(result: dict[str, Any]) -> str:
    content = result["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def of_call(answer: Answer, call_id: str) -> list[str]:
    return [event.name for event in answer.events if event.data.get("id") == call_id]


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
async def test_calls_of_one_reply_run_side_by_side(api_client: Client, api: ImbiApi, model_server: ModelServer) -> None:
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
    api_client: Client, api: ImbiApi, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    words = "a&b=c?d#e/../f%00 '\"\\ {x} $$ 😀\n\u2028"
    model_server.script(reply(tool("echo", {"text": words}, call_id="toolu_1")), reply(text("Done.")))
    await api_client.ask(conversation, "Hi")
    assert json.loads(told(result_of(model_server, "toolu_1"))) == {"text": words}
    assert len(api.calls) == 1


@pytest.mark.proves("turn.round-limit")
async def test_after_the_last_round_the_model_answers_without_tools(
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
        assert [bool(request.tool_names) for request in model_server.chats] == [True, True, False]
        assert (await client.ask(conversation, "And?")).text == "Again"
    assert model_server.chats[-1].tool_names


@pytest.mark.proves("turn.round-limit")
async def test_without_rounds_no_tools_are_offered(start_service: StartService, model_server: ModelServer) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_TOOL_ROUNDS="0")
    model_server.script(reply(text("Hello")))
    async with service.client() as client:
        assert (await client.ask(await client.begin(), "Hi")).text == "Hello"
    assert model_server.chats[0].tool_names == []


@pytest.mark.proves("turn.round-limit", "turn.replayable")
async def test_a_model_that_insists_on_tools_is_not_obeyed(
    start_service: StartService, model_server: ModelServer
) -> None:
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


@pytest.mark.proves("turn.malformed-input", "tools.failure-is-result")
@pytest.mark.parametrize("malformed", ['{"text": ', '["a"]', '"a"', "{'text': 'a'}", '{"text": "a"} {}', "nonsense"])
async def test_malformed_input_is_not_run(
    api_client: Client, api: ImbiApi, model_server: ModelServer, malformed: str
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
    api: ImbiApi, start_service: StartService, api_service: Service, model_server: ModelServer
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
    api: ImbiApi, api_service: Service, start_service: StartService, model_server: ModelServer
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


@pytest.mark.proves("client-tools.navigate-to", "client-tools.refresh-data")
async def test_the_browser_is_told_what_to_do(client: Client, model_server: ModelServer) -> None:
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
async def test_what_is_not_allowed_reaches_no_browser(
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


@pytest.mark.proves("tools.own-token")
async def test_a_call_carries_the_token_that_came_with_the_message(
    api_client: Client, api: ImbiApi, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    model_server.script(reply(tool("whoami", {"mark": "a"}, call_id="toolu_1")), reply(text("Done.")))
    await api_client.ask(conversation, "Who am I?")
    assert api.seen[-1] == ("/api/whoami?mark=a", f"Bearer {api_client.token}")
    assert json.loads(told(result_of(model_server, "toolu_1"))) == {"email": DEVELOPER, "mark": "a"}
    of_documents = {token for path, token in api.seen if not path.startswith("/api/")}
    assert of_documents <= {"", f"Bearer {api_client.token}"}


@pytest.mark.proves("tools.no-crossed-tokens")
async def test_many_calls_of_two_users_never_cross(
    api: ImbiApi, api_service: Service, new_client: NewClient, model_server: ModelServer
) -> None:
    """Each of ten conversations makes five calls at once; every call's mark says whose it is."""

    def scripted(body: dict[str, Any]) -> Any:
        question = body["messages"][0]["content"][0]["text"]
        if len(body["messages"]) > 1:
            return reply(text("Done."))
        return reply(*[tool("whoami", {"mark": f"{question}/{n}"}, call_id=f"toolu_{question}_{n}") for n in range(5)])

    users = [(await new_client()).email, (await new_client()).email]
    model_server.script(*[scripted] * 20)
    clients = [api_service.client(email) for email in users]
    conversations = [
        (client, await client.begin(), f"{who}-{n}") for n in range(5) for who, client in enumerate(clients)
    ]
    answers = await asyncio.gather(*(client.ask(*rest) for client, *rest in conversations))
    assert all(answer.done for answer in answers)
    calls = [(path.partition("mark=")[2], token) for path, token in api.seen if "mark=" in path]
    assert len(calls) == 50
    for mark, token in calls:
        assert token == f"Bearer {clients[int(mark[0])].token}"
    for request in model_server.chats:
        for result in request.results.values():
            returned = json.loads(told(result))
            assert returned["email"] == users[int(returned["mark"][0])]
    for client in clients:
        await client.http.aclose()


@pytest.mark.proves("tools.permissions")
async def test_only_what_a_caller_may_use_is_offered(
    api_service: Service, new_client: NewClient, model_server: ModelServer
) -> None:
    everything = {"meet", "whoami", "echo", "long_text", "fail", "hang", "create_project", "create_user"}
    for properties, missing in (
        ({"role": None}, everything),
        ({"role": "viewer"}, {"create_project", "create_user"}),
        ({"role": "developer"}, {"create_user"}),
        ({"role": "administrator"}, {"create_user"}),
        ({"role": None, "is_admin": True}, set[str]()),
    ):
        model_server.clear()
        model_server.script(reply(tool("create_user", {"email": "a"}, call_id="toolu_1")), reply(text("Hello")))
        async with api_service.client((await new_client(**properties)).email) as client:
            await client.ask(await client.begin(), "Hi")
        assert {*model_server.chats[0].tool_names} & everything == everything - missing
        is_refused = result_of(model_server, "toolu_1").get("is_error", False)
        assert is_refused == ("create_user" in missing)


@pytest.mark.proves("tools.excluded")
async def test_some_operations_are_never_tools(
    api_service: Service, new_client: NewClient, model_server: ModelServer
) -> None:
    async with api_service.client((await new_client(is_admin=True)).email) as client:
        model_server.script(reply(text("Hello")))
        await client.ask(await client.begin(), "Hi")
    names = " ".join(model_server.chats[0].tool_names)
    assert "whoami" in names
    for forbidden in ("secret", "auth", "mfa", "status", "thumbnail", "forbidden"):
        assert forbidden not in names


@pytest.mark.proves("tools.document-unavailable")
async def test_without_a_document_the_assistant_answers_all_the_same(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_INTERNAL_API_URL="http://127.0.0.1:1")
    model_server.script(reply(tool("navigate_to", {"path": "/a"})), reply(text("Hello")))
    async with service.client() as client:
        answer = await client.ask(await client.begin(), "Hi")
    assert answer.text == "Hello"
    assert len(answer.of("client_action")) == 1
    assert {"navigate_to", "refresh_data"} <= {*model_server.chats[0].tool_names}


@pytest.mark.proves("turn.thinking-kept")
async def test_thoughts_go_back_with_the_results_unchanged(api_client: Client, model_server: ModelServer) -> None:
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


@pytest.mark.proves("tools.names", "tools.accepted-schemas")
async def test_the_demo_apis_tools_have_readable_names(client: Client, model_server: ModelServer) -> None:
    for _ in range(2):
        model_server.script(reply(text("Hello")))
        await client.ask(await client.begin(), "Hi")
    first, second = model_server.chats
    assert first.body["tools"] == second.body["tools"]
    assert {"list_projects", "get_project", "list_teams"} <= {*first.tool_names}
    assert len({*first.tool_names}) == len(first.tool_names)
    assert all(len(name) <= 64 and "api_organizations" not in name for name in first.tool_names)
