"""Changes are asked first: parked replies, decisions by the route and by a word, and what the model is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.background import served
from tests.support.model_server import reply, text, tool
from tests.support.service import DEVELOPER
from tests.support.sse import Answer, EventReader
from tests.support.things_api import ThingsApi
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

pytestmark = pytest.mark.anyio

DELETE = tool("delete_thing", {"thing_id": "web"}, call_id="toolu_delete")
READ = tool("list_things", {}, call_id="toolu_list")


@pytest.fixture
def things() -> ThingsApi:
    return ThingsApi()


@pytest.fixture
def asking(things: ThingsApi, start_service: StartService) -> Iterator[Service]:
    with served(things.app) as url:
        yield start_service(IMBI_INTERNAL_API_URL=url)


@pytest.fixture
async def user(asking: Service) -> AsyncIterator[Client]:
    async with asking.client(DEVELOPER) as client:
        yield client


async def parked(user: Client, model: ModelServer, *calls: Any, words: str = "Delete it") -> tuple[str, Answer]:
    conversation = await user.begin()
    model.script(reply(text("I delete it."), *(calls or (READ, DELETE))))
    return conversation, await user.ask(conversation, words)


async def decide(user: Client, conversation: str, approval: str, decision: str = "approve", **body: str) -> Answer:
    path = f"/conversations/{conversation}/approvals/{approval}"
    response = await user.http.post(path, json={"decision": decision, **body})
    assert response.status_code == 200, response.text
    reader = EventReader()
    reader.feed(response.content)
    reader.finish()
    return Answer(reader.events)


@pytest.mark.proves("approvals.parked", "approvals.event", "approvals.words")
async def test_a_reply_that_deletes_runs_nothing_and_asks(
    user: Client, things: ThingsApi, model_server: ModelServer
) -> None:
    conversation, answer = await parked(user, model_server)
    assert things.effects == []
    assert not answer.of("tool_executing")
    assert answer.names[-6:] == [
        "content_block_stop", "approval_required", "text", "content_block_stop", "done", "title_updated",
    ]  # fmt: skip
    assert answer.done["stop_reason"] == "approval_required"
    [required] = answer.of("approval_required")
    assert required.data["calls"] == [
        {
            "id": "toolu_delete",
            "name": "delete_thing",
            "input": {"thing_id": "web"},
            "method": "DELETE",
            "path": "/api/things/web",
            "changes": [{"path": "/name", "before": "Web"}, {"path": "/owner", "before": "ops"}],
        }
    ]
    last = "".join(event.data["text"] for event in answer.of("text"))
    assert "`DELETE /api/things/web`" in last
    assert "`name` is `Web`" in last
    stored = await user.get(conversation)
    assert stored["approval"] == required.data
    assert stored["messages"][-1]["content"].endswith(last.removeprefix("I delete it."))
    assert [call["id"] for call in stored["messages"][-1]["tool_use"]] == ["toolu_list", "toolu_delete"]


@pytest.mark.proves("approvals.approved", "approvals.route")
async def test_an_approval_runs_the_calls_and_the_turn_goes_on(
    user: Client, things: ThingsApi, model_server: ModelServer
) -> None:
    conversation, answer = await parked(user, model_server)
    model_server.script(reply(text("It is deleted.")))
    went_on = await decide(user, conversation, answer.of("approval_required")[0].data["approval_id"])
    assert things.effects == ["DELETE web"]
    assert {event.data["id"] for event in went_on.of("tool_result")} == {"toolu_list", "toolu_delete"}
    assert went_on.done["stop_reason"] == "end_turn"
    assert "Done (204" in told(result_of(model_server, "toolu_delete"))
    stored = await user.get(conversation)
    assert stored["approval"] is None
    outcome = answer.of("approval_required")[0].data | {"decision": "approve", "reason": None}
    assert [message["approval"] for message in stored["messages"]] == [None, outcome, None, None]
    assert [message["role"] for message in stored["messages"]] == ["user", "assistant", "user", "assistant"]
    assert [message["sequence"] for message in stored["messages"]] == [0, 1, 2, 3]
    model_server.script(reply(text("You are welcome.")))
    assert (await user.ask(conversation, "Thanks")).done["stop_reason"] == "end_turn"


@pytest.mark.proves("approvals.typed")
@pytest.mark.parametrize(
    "word", ["approve", "Yes.", " YES! ", "<context>\nOrganization: acme\n</context>\n\nApprove", "“yes”"]
)
async def test_a_typed_word_approves(user: Client, things: ThingsApi, model_server: ModelServer, word: str) -> None:
    conversation, _ = await parked(user, model_server)
    model_server.script(reply(text("It is deleted.")))
    answer = await user.ask(conversation, word)
    assert things.effects == ["DELETE web"]
    assert answer.done["stop_reason"] == "end_turn"
    assert len(answer.of("tool_result")) == 2
    assert [message["content"] for message in await user.messages(conversation)][2] == word


@pytest.mark.proves("approvals.rejected", "approvals.typed")
@pytest.mark.parametrize("word", ["reject", "No", "no.", "yes?", "yes please", "approve it", "What would that do?"])
async def test_any_other_message_rejects_and_goes_on(
    user: Client, things: ThingsApi, model_server: ModelServer, word: str
) -> None:
    conversation, _ = await parked(user, model_server)
    model_server.script(reply(text("I leave it.")))
    answer = await user.ask(conversation, word)
    assert answer.done["stop_reason"] == "end_turn"
    assert things.effects == []
    assert "not run" in told(result_of(model_server, "toolu_delete"))
    assert (await user.get(conversation))["approval"] is None


@pytest.mark.proves("approvals.rejected", "approvals.route")
async def test_a_rejection_by_the_route_tells_the_model_the_reason(
    user: Client, things: ThingsApi, model_server: ModelServer
) -> None:
    conversation, answer = await parked(user, model_server)
    approval = answer.of("approval_required")[0].data["approval_id"]
    model_server.script(reply(text("Then not.")))
    went_on = await decide(user, conversation, approval, "reject", reason="It is still used.")
    assert went_on.done["stop_reason"] == "end_turn"
    assert things.effects == []
    assert "It is still used." in told(result_of(model_server, "toolu_delete"))
    path = f"/conversations/{conversation}/approvals/{approval}"
    late = await user.http.post(path, json={"decision": "approve"})
    assert (late.status_code, late.json()) == (409, {"detail": "This has already been rejected"})
    outcome = (await user.messages(conversation))[1]["approval"]
    assert (outcome["decision"], outcome["reason"]) == ("reject", "It is still used.")


@pytest.mark.proves("approvals.once")
async def test_two_decisions_at_once_act_once(user: Client, things: ThingsApi, model_server: ModelServer) -> None:
    conversation, answer = await parked(user, model_server)
    path = f"/conversations/{conversation}/approvals/{answer.of('approval_required')[0].data['approval_id']}"
    model_server.script(reply(text("It is deleted.")))
    responses = await asyncio.gather(*(user.http.post(path, json={"decision": "approve"}) for _ in range(4)))
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409]
    assert things.effects == ["DELETE web"]


@pytest.mark.proves("approvals.own")
async def test_an_approval_of_another_user_does_not_exist(
    user: Client, asking: Service, new_client: NewClient, things: ThingsApi, model_server: ModelServer
) -> None:
    conversation, answer = await parked(user, model_server)
    approval = answer.of("approval_required")[0].data["approval_id"]
    other = asking.client((await new_client()).email)
    async with other:
        path = f"/conversations/{conversation}/approvals/{approval}"
        assert (await other.http.post(path, json={"decision": "approve"})).status_code == 404
    for odd in ("no-uuid", conversation):
        response = await user.http.post(f"/conversations/{conversation}/approvals/{odd}", json={"decision": "approve"})
        assert (response.status_code, response.json()) == (404, {"detail": "Approval not found"})
    path = f"/conversations/{conversation}/approvals/{approval}"
    assert (await user.http.post(path, json={"decision": "maybe"})).status_code == 422
    assert things.effects == []


@pytest.mark.proves("approvals.rounds")
async def test_a_turn_goes_on_with_the_rounds_that_it_had_left(
    things: ThingsApi, start_service: StartService, model_server: ModelServer
) -> None:
    with served(things.app) as url:
        service = start_service(IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_MAX_TOOL_ROUNDS="2")
        async with service.client(DEVELOPER) as user:
            conversation = await user.begin()
            model_server.script(reply(tool("list_things", {}, call_id="toolu_1")), reply(DELETE))
            answer = await user.ask(conversation, "Delete it")
            model_server.script(reply(text("Deleted.")))
            await decide(user, conversation, answer.of("approval_required")[0].data["approval_id"])
    assert things.effects == ["DELETE web"]
    assert "No more tools can be called" in str(model_server.chats[-1].messages)


@pytest.mark.proves("approvals.bound", "approvals.replayable")
async def test_an_approval_runs_nothing_after_the_api_has_moved(
    user: Client, things: ThingsApi, start_service: StartService, model_server: ModelServer
) -> None:
    conversation, answer = await parked(user, model_server)
    with served(things.app) as elsewhere:
        async with start_service(IMBI_INTERNAL_API_URL=elsewhere).client(DEVELOPER) as other:
            model_server.script(reply(text("It has changed.")))
            await decide(other, conversation, answer.of("approval_required")[0].data["approval_id"])
            assert things.effects == []
            assert "not run" in told(result_of(model_server, "toolu_delete"))
            model_server.script(reply(text("Fine.")))
            assert (await other.ask(conversation, "Thanks")).done["stop_reason"] == "end_turn"


@pytest.mark.proves("approvals.moment")
async def test_the_rights_of_the_deciding_moment_count(
    asking: Service, new_client: NewClient, database: Database, things: ThingsApi, model_server: ModelServer
) -> None:
    email = (await new_client()).email
    async with asking.client(email) as user:
        conversation, answer = await parked(user, model_server)
        await database.cypher("MATCH (u:User) WHERE u.email = $email SET u.is_active = false RETURN true", email=email)
        path = f"/conversations/{conversation}/approvals/{answer.of('approval_required')[0].data['approval_id']}"
        assert (await user.http.post(path, json={"decision": "approve"})).status_code == 401
    assert things.effects == []


@pytest.mark.proves("approvals.repeated")
async def test_a_repeated_question_asks_again_for_the_same_approval(user: Client, model_server: ModelServer) -> None:
    conversation = await user.begin()
    model_server.script(reply(text("I delete it."), DELETE))
    streams = []
    for _ in range(2):
        response = await user.http.post(
            f"/conversations/{conversation}/messages", json={"content": "Go"}, headers={"Idempotency-Key": "k"}
        )
        reader = EventReader()
        reader.feed(response.content)
        reader.finish()
        streams.append(Answer(reader.events))
    first, second = streams
    assert first.of("approval_required") == second.of("approval_required")
    assert first.done == second.done


@pytest.mark.proves("approvals.expiry")
async def test_an_expired_approval_runs_nothing(
    user: Client, database: Database, things: ThingsApi, model_server: ModelServer
) -> None:
    conversation, answer = await parked(user, model_server)
    async with database.connected() as connection:
        await connection.execute(
            f'UPDATE "{database.graph_name}".imbi_assistant_approval SET expires_at = now()'  # noqa: S608  # a constant
            f" WHERE conversation_id = '{conversation}'".encode()
        )
    assert (await user.get(conversation))["approval"] is None
    path = f"/conversations/{conversation}/approvals/{answer.of('approval_required')[0].data['approval_id']}"
    late = await user.http.post(path, json={"decision": "approve"})
    assert (late.status_code, late.json()["detail"]) == (409, "The approval has expired, so nothing was done")
    model_server.script(reply(text("Too late.")))
    await user.ask(conversation, "yes")
    assert things.effects == []
    assert "within an hour" in told(result_of(model_server, "toolu_delete"))
