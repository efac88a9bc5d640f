"""The policy and the rules decide which calls ask the user first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.background import served
from tests.support.model_server import reply, text, tool
from tests.support.service import DEVELOPER
from tests.support.things_api import ThingsApi

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def things() -> ThingsApi:
    return ThingsApi()


@pytest.mark.proves("approvals.policy", "approvals.effects")
@pytest.mark.parametrize(
    ("mode", "rules", "asks"),
    [
        ("off", "", False),
        ("destructive", "", False),
        ("writes", "", True),
        ("writes", "replace_*=auto", False),
        ("off", "replace_thing=ask", True),
    ],
)
async def test_the_policy_and_the_rules_decide_what_asks(  # a fixture each
    things: ThingsApi, start_service: StartService, model_server: ModelServer, mode: str, rules: str, *, asks: bool
) -> None:
    with served(things.app) as url:
        service = start_service(
            IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_APPROVALS=mode, IMBI_ASSISTANT_APPROVAL_RULES=rules
        )
        async with service.client(DEVELOPER) as user:
            call = tool("replace_thing", {"thing_id": "web", "name": "New"}, call_id="toolu_put")
            model_server.script(reply(call), *([] if asks else [reply(text("Done."))]))
            answer = await user.ask(await user.begin(), "Rename it")
    assert (answer.done["stop_reason"] == "approval_required") is asks
    assert things.effects == ([] if asks else ["PUT web"])


@pytest.mark.proves("approvals.careful")
@pytest.mark.parametrize(("mode", "rules"), [("off", ""), ("off", "replace_*=auto"), ("destructive", "")])
async def test_a_conversation_can_ask_before_every_change(
    things: ThingsApi, start_service: StartService, model_server: ModelServer, mode: str, rules: str
) -> None:
    with served(things.app) as url:
        service = start_service(
            IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_APPROVALS=mode, IMBI_ASSISTANT_APPROVAL_RULES=rules
        )
        async with service.client(DEVELOPER) as user:
            created = await user.create(asks_before_changes=True)
            assert created["asks_before_changes"] is True
            read, change = tool("list_things", {}), tool("replace_thing", {"thing_id": "web", "name": "New"})
            model_server.script(reply(read), reply(change))
            answer = await user.ask(str(created["id"]), "Rename it")
            assert (await user.create())["asks_before_changes"] is False
    assert [event.data["is_error"] for event in answer.of("tool_result")] == [False]
    assert answer.done["stop_reason"] == "approval_required"
    assert things.effects == []


@pytest.mark.proves("approvals.careful")
async def test_a_rule_that_refuses_also_refuses_there(
    things: ThingsApi, start_service: StartService, model_server: ModelServer
) -> None:
    with served(things.app) as url:
        service = start_service(IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_APPROVAL_RULES="replace_*=deny")
        async with service.client(DEVELOPER) as user:
            change = tool("replace_thing", {"thing_id": "web", "name": "New"})
            model_server.script(reply(change), reply(text("I may not.")))
            answer = await user.ask(await user.begin(asks_before_changes=True), "Rename it")
    assert [event.data["is_error"] for event in answer.of("tool_result")] == [True]
    assert things.effects == []


@pytest.mark.proves("approvals.secrets")
@pytest.mark.parametrize("rules", ["", "create_api_key=ask"])
async def test_a_rule_that_asks_offers_operations_with_secrets(
    things: ThingsApi, start_service: StartService, model_server: ModelServer, rules: str
) -> None:
    with served(things.app) as url:
        service = start_service(IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_APPROVAL_RULES=rules)
        async with service.client(DEVELOPER) as user:
            model_server.script(reply(tool("create_api_key", {"name": "k"}, call_id="toolu_key")), reply(text("Done.")))
            conversation = await user.begin()
            answer = await user.ask(conversation, "Make a key")
            assert (answer.done["stop_reason"] == "approval_required") is bool(rules)
            assert things.effects == []
            if rules:
                await user.ask(conversation, "yes")
                assert things.effects == ["POST key k"]
