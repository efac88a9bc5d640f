"""Calls that wait for an approval: their rows in the audit, and what becomes of them if messages are replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.audit_rows import query, rows_of
from tests.support.background import served
from tests.support.model_server import reply, text, tool
from tests.support.service import DEVELOPER
from tests.support.things_api import ThingsApi
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.sse import Answer

pytestmark = pytest.mark.anyio

DELETE = tool("delete_thing", {"thing_id": "web"}, call_id="toolu_delete")
READ = tool("list_things", {}, call_id="toolu_list")


@pytest.fixture
def things() -> ThingsApi:
    return ThingsApi()


@pytest.fixture
async def user(things: ThingsApi, start_service: StartService) -> AsyncIterator[Client]:
    with served(things.app) as url:
        async with start_service(IMBI_INTERNAL_API_URL=url).client(DEVELOPER) as client:
            yield client


async def parked(user: Client, model: ModelServer) -> tuple[str, Answer]:
    conversation = await user.begin()
    model.script(reply(text("I delete it."), READ, DELETE))
    return conversation, await user.ask(conversation, "Delete it")


@pytest.mark.proves("approvals.audit")
@pytest.mark.parametrize(("words", "status"), [("no", "rejected"), ("What is it?", "replaced"), ("yes", "expired")])
async def test_calls_that_were_not_approved_have_a_row_that_says_why(
    user: Client, database: Database, model_server: ModelServer, words: str, status: str
) -> None:
    conversation, answer = await parked(user, model_server)
    if status == "expired":
        expire = "UPDATE {}.imbi_assistant_approval SET expires_at = now() WHERE conversation_id = %s"
        await query(database, expire, conversation)
    model_server.script(reply(text("So be it.")))
    await user.ask(conversation, words)
    rows = await rows_of(database, conversation)
    approval = answer.of("approval_required")[0].data["approval_id"]
    assert [(row["call_id"], row["status"], row["approval_id"]) for row in rows] == [
        ("toolu_list", status, approval),
        ("toolu_delete", status, approval),
    ]
    assert rows[1]["path"] == "/api/things/web"


@pytest.mark.proves("approvals.audit")
async def test_calls_of_a_reply_that_was_replaced_have_their_rows(
    user: Client, database: Database, model_server: ModelServer
) -> None:
    conversation, _ = await parked(user, model_server)
    [question, _] = await user.messages(conversation)
    model_server.script(reply(text("Another matter.")))
    async with user.stream(conversation, "Something else", replaces=question["id"]) as stream:
        assert (await stream.rest()).done
    assert [row["status"] for row in await rows_of(database, conversation)] == ["replaced", "replaced"]
    assert "may have changed data" not in str(model_server.chats[-1].messages), "no call ran"


@pytest.mark.proves("approvals.once", "retry.done-calls")
async def test_a_replaced_decision_keeps_its_results(
    user: Client, things: ThingsApi, database: Database, model_server: ModelServer
) -> None:
    conversation, _ = await parked(user, model_server)
    model_server.script(reply(text("It is deleted.")), reply(text("It was deleted already.")))
    await user.ask(conversation, "yes")
    decision = (await user.messages(conversation))[2]
    async with user.stream(conversation, "no", replaces=decision["id"]) as stream:
        assert (await stream.rest()).done
    assert things.effects == ["DELETE web"]
    assert "Done (204" in told(result_of(model_server, "toolu_delete", -1))
    assert [row["status"] for row in await rows_of(database, conversation)] == ["ok", "ok"]
