"""The token that a call of a tool carries, and the tools that a caller is offered."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.service import DEVELOPER
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.observed_api import ObservedApi
    from tests.support.service import Service


@pytest.mark.proves("tools.own-token")
async def test_a_call_carries_the_token_that_came_with_the_message(
    api_client: Client, api: ObservedApi, model_server: ModelServer
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
    api: ObservedApi, api_service: Service, new_client: NewClient, model_server: ModelServer
) -> None:
    """Each of ten conversations makes five calls at once; every call's mark says whose it is."""

    def scripted(body: dict[str, Any]) -> Any:
        question = body["messages"][0]["content"][-1]["text"]
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
async def test_a_caller_is_offered_only_the_tools_it_may_use(
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
async def test_excluded_operations_are_never_tools(
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
