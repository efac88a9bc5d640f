"""Receipts of changes, from the call to the undo, through the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.background import served
from tests.support.documents_api import DocumentsApi
from tests.support.model_server import reply, text, tool
from tests.support.random_changes import SECRET
from tests.support.service import Service
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

THING = {"id": "one", "title": "Old", "tags": ["a"], "password": f"{SECRET}1"}
STEPS = [{"op": "replace", "path": "/title", "value": "New"}, {"op": "add", "path": "/note", "value": None}]


@pytest.fixture(scope="module")
def documents() -> Iterator[tuple[DocumentsApi, str]]:
    api = DocumentsApi()
    with served(api.app) as url:
        yield api, url


@pytest.fixture(scope="module")
def own_service(variables: dict[str, str], documents: tuple[DocumentsApi, str]) -> Iterator[Service]:
    with Service(variables | {"IMBI_INTERNAL_API_URL": documents[1]}) as service:
        yield service


@pytest.fixture
def things(documents: tuple[DocumentsApi, str]) -> dict[str, Any]:
    """One thing that a JSON Patch changes."""
    documents[0].things["patched"] = {"one": dict(THING)}
    return documents[0].things["patched"]


@pytest.fixture
async def user(own_service: Service, database: Database, model_server: ModelServer) -> AsyncIterator[Client]:  # noqa: ARG001  # its script is the test's
    async with own_service.client(await database.add_user()) as client:
        yield client


async def change(user: Client, model_server: ModelServer, conversation: str) -> dict[str, Any]:
    """Make a change and return the data of its `tool_result`."""
    model_server.script(
        reply(tool("patch_patched", {"id": "one", "data": STEPS}, call_id="toolu_change")), reply(text("Changed."))
    )
    answer = await user.ask(conversation, "Change the title")
    return answer.of("tool_result")[0].data


async def undo(user: Client, model_server: ModelServer, conversation: str, receipt_id: str) -> str:
    """Take a change back and return what the model is told."""
    call_id = f"toolu_{uuid4().hex}"
    model_server.script(reply(tool("undo_change", {"id": receipt_id}, call_id=call_id)), reply(text("Done.")))
    await user.ask(conversation, "Undo that")
    return told(result_of(model_server, call_id, -1))


@pytest.mark.proves("receipts.event", "receipts.for-model", "receipts.no-secrets")
async def test_a_change_has_a_receipt(user: Client, model_server: ModelServer, things: dict[str, Any]) -> None:
    conversation = await user.begin()
    result = await change(user, model_server, conversation)
    assert result["changes"] == [
        {"path": "/title", "before": "Old", "after": "New"},
        {"path": "/note", "after": None},
    ]
    assert result["receipt"]["kind"] == "changed"
    assert result["receipt"]["can_be_undone"] is True
    line = told(result_of(model_server, "toolu_change", -1)).splitlines()[-1]
    assert 'title: "Old" → "New"' in line
    assert f'undo_change {{"id": "{result["receipt"]["id"]}"}}' in line
    assert SECRET not in json.dumps(result)
    assert things["one"]["title"] == "New"


@pytest.mark.proves("receipts.event", "shown.activity")
async def test_a_receipt_is_shown_when_the_conversation_is_read_or_told_again(
    user: Client, model_server: ModelServer, things: dict[str, Any]
) -> None:
    conversation = await user.begin()
    call = tool("patch_patched", {"id": "one", "data": STEPS}, call_id="toolu_change")
    model_server.script(reply(call, tool("list_organizations", {})), reply(text("Changed.")))
    async with user.stream(conversation, "Change it", headers={"Idempotency-Key": "once"}) as stream:
        answer = await stream.rest()
    told_live = {each.data["id"]: each.data for each in answer.of("tool_result")}
    [stored] = [each["tool_details"] for each in await user.messages(conversation) if each["tool_results"]]
    assert {each["id"] for each in stored} == told_live.keys()
    for each in stored:
        assert each.items() <= told_live[each["id"]].items()
    assert [("receipt" in each, "changes" in each) for each in stored] == [(True, True), (False, False)]
    async with user.stream(conversation, "Change it", headers={"Idempotency-Key": "once"}) as stream:
        again = await stream.rest()
    assert [each.data for each in again.of("tool_result")] == [told_live[each["id"]] for each in stored]
    assert things["one"]["title"] == "New"


@pytest.mark.proves("receipts.undo", "receipts.once", "receipts.redo")
async def test_a_change_is_taken_back_once(user: Client, model_server: ModelServer, things: dict[str, Any]) -> None:
    conversation = await user.begin()
    receipt_id = (await change(user, model_server, conversation))["receipt"]["id"]
    undone = await undo(user, model_server, conversation, receipt_id)
    assert undone.startswith("Undone: changed /api/patched/one")
    assert {name: value for name, value in things["one"].items() if name != "updated_at"} == THING
    assert "already been undone" in await undo(user, model_server, conversation, receipt_id)
    await undo(user, model_server, conversation, undone.partition("[Receipt ")[2].partition(":")[0])
    assert (things["one"]["title"], things["one"]["note"]) == ("New", None)


@pytest.mark.proves("receipts.undo", "receipts.for-model")
async def test_a_model_that_calls_tools_by_name_is_shown_the_undo(
    user: Client, model_server: ModelServer, things: dict[str, Any]
) -> None:
    """The first result with a receipt describes the tool, which the model has not seen before."""
    conversation = await user.begin(model="somebody-elses-model")
    by_name = {"name": "patch_patched", "arguments": {"id": "one", "data": STEPS}}
    model_server.script(reply(tool("call_tool", by_name, call_id="toolu_change")), reply(text("Changed.")))
    changed = (await user.ask(conversation, "Change it")).of("tool_result")[0].data
    assert '{"name":"undo_change"' in told(result_of(model_server, "toolu_change", -1))
    by_name = {"name": "undo_change", "arguments": {"id": changed["receipt"]["id"]}}
    model_server.script(reply(tool("call_tool", by_name, call_id="toolu_undo")), reply(text("Undone.")))
    await user.ask(conversation, "Undo that")
    assert things["one"]["title"] == "Old"


@pytest.mark.proves("receipts.own-only")
async def test_nobody_takes_back_the_change_of_another_user(
    user: Client, model_server: ModelServer, own_service: Service, database: Database, things: dict[str, Any]
) -> None:
    receipt_id = (await change(user, model_server, await user.begin()))["receipt"]["id"]
    async with own_service.client(await database.add_user()) as other:
        refused = await undo(other, model_server, await other.begin(), receipt_id)
    assert "has no receipt" in refused
    assert things["one"]["title"] == "New"


@pytest.mark.proves("receipts.deleted")
async def test_receipts_are_deleted_with_their_conversation(
    user: Client, model_server: ModelServer, things: dict[str, Any]
) -> None:
    conversation = await user.begin()
    receipt_id = (await change(user, model_server, conversation))["receipt"]["id"]
    await user.delete(conversation)
    assert "has no receipt" in await undo(user, model_server, await user.begin(), receipt_id)
    assert things["one"]["title"] == "New"


@pytest.mark.proves("receipts.gate")
async def test_an_undo_that_deletes_asks_first(
    user: Client, model_server: ModelServer, documents: tuple[DocumentsApi, str]
) -> None:
    """The policy decides about the deletion, although the model calls another tool."""
    made = documents[0].things["merged"]
    made.clear()
    conversation = await user.begin()
    model_server.script(reply(tool("make_merged", {"data": {"title": "New"}})), reply(text("Made.")))
    created = (await user.ask(conversation, "Make one")).of("tool_result")[0].data
    assert created["receipt"]["kind"] == "created"
    model_server.script(reply(tool("undo_change", {"id": created["receipt"]["id"]})))
    asked = await user.ask(conversation, "Undo that")
    [call] = asked.of("approval_required")[0].data["calls"]
    assert (call["method"], call["path"]) == ("DELETE", created["receipt"]["path"])
    assert len(made) == 1
    model_server.script(reply(text("Undone.")))
    await user.ask(conversation, "yes")
    assert made == {}
