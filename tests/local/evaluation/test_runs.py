"""Runs of cases against a real service with a scripted model."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from local.chat.access import given
from local.eval.command import EvaluationOptions, evaluate
from local.eval.runner import RunOptions
from shared.domain.errors import SettingsError, StartupError
from tests.support.aftermath import until
from tests.support.background import served
from tests.support.local_assistant import TOKEN, running_assistant
from tests.support.model_server import http_error, reply, text, tool, wait
from tests.support.service import token_of
from tests.support.things_api import ThingsApi

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

TWO = """
[[case]]
name = "Owner"
question = "Who owns it?"
facts = ["Ada"]

[[case]]
name = "Navigation"
[[case.turn]]
question = "Which pages are there?"
[[case.turn]]
question = "Open the first one"
tools = ["navigate_to"]
"""


def options(tmp_path: Path, cases: str = TWO, **changes: Any) -> EvaluationOptions:
    file = tmp_path / "cases.toml"
    file.write_text(cases)
    run = RunOptions(1, changes.pop("seconds", 30), changes.pop("keeps", False))
    return EvaluationOptions(cases=str(file), run=run, **changes)


async def ran(service: Service, user: Client, chosen: EvaluationOptions) -> int:
    return await asyncio.to_thread(evaluate, given(service.url, token_of(user.email)), chosen)


@pytest.fixture
async def user(new_client: NewClient) -> Client:
    return await new_client()


@pytest.mark.proves("eval.compare", "eval.tidy")
async def test_two_models_are_compared(
    service: Service,
    user: Client,
    model_server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for owner in ("Ada", "Nobody"):
        model_server.script(reply(text(f"**{owner}** owns it.")))
    for _ in range(2):
        model_server.script(reply(text("One.")), reply(tool("navigate_to", {"path": "/one"})), reply(text("There.")))
    models = ("claude-sonnet-5-5", "claude-opus-5-5")
    assert await ran(service, user, options(tmp_path, models=models)) == 1
    printed, progress = capsys.readouterr()
    lines = printed.splitlines()
    assert lines[0].split() == ["CASE", *models, "DIFFERENCE"]
    assert [line.split()[0] for line in lines[1:]] == ["Owner", "claude-opus-5-5:", "Navigation", "2"]
    assert "WORSE" in lines[1]
    assert lines[2].strip() == "claude-opus-5-5: The answer lacks “Ada”."
    assert "same" in lines[3]
    assert "2 ok, 0 failed" in lines[4]
    assert "1 ok, 1 failed" in lines[4]
    assert progress.splitlines()[0] == "ok      Owner (claude-sonnet-5-5)"
    assert [chat.body["model"] for chat in model_server.chats[:2]] == list(models)
    assert await user.list() == []


@pytest.mark.proves("eval.compare", "eval.tidy")
async def test_results_are_json_and_conversations_can_be_kept(
    service: Service,
    user: Client,
    model_server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model_server.script(reply(text("Ada."), usage={"output_tokens": 7}))
    assert await ran(service, user, options(tmp_path, only="Own*", is_json=True, keeps=True)) == 0
    found = json.loads(capsys.readouterr().out)
    [kept] = await user.list()
    [case] = found["cases"]
    [result] = case["results"]
    assert found["models"] == [kept["model"]]
    assert (case["name"], result["passed"], result["problems"]) == ("Owner", True, [])
    assert (result["conversation_id"], result["output_tokens"]) == (kept["id"], 7)
    assert result["cost"] > 0
    assert found["totals"] == [
        {
            "model": kept["model"],
            "passed": 1,
            "failed": 0,
            "seconds": result["seconds"],
            "cost": found["totals"][0]["cost"],
        }
    ]


@pytest.mark.proves("eval.read-only", "eval.tidy")
async def test_nothing_is_changed(
    start_service: StartService,
    model_server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    things = ThingsApi()
    cases = '[[case]]\nname = "{0}"\nquestion = "Rename {0}"\nfacts = ["it"]\n'
    expected = cases.format("a") + cases.format("b") + 'asks = ["replace_*"]\n'
    with served(things.app) as url:
        service = start_service(IMBI_INTERNAL_API_URL=url, IMBI_ASSISTANT_APPROVALS="off")
        async with service.client() as user:
            for _ in range(2):
                call = tool("replace_thing", {"thing_id": "web", "name": "New"})
                model_server.script(reply(text("I rename it."), call))
            assert await ran(service, user, options(tmp_path, expected)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].strip() == "It wanted to change something: replace_thing. The call was not run."
    assert lines[3].split()[:2] == ["b", "ok"]
    assert things.effects == []


@pytest.mark.proves("eval.tidy", "eval.cases")
async def test_a_failing_answer_and_a_case_without_expectations_are_failures(
    service: Service,
    user: Client,
    model_server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model_server.script(http_error(400, "invalid_request_error", "no"), reply(text("Yes.")))
    cases = '[[case]]\nname = "a"\nquestion = "A?"\nfacts = ["x"]\n[[case]]\nname = "b"\nquestion = "B?"\n'
    assert await ran(service, user, options(tmp_path, cases)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].strip().startswith("The answer failed: ")
    assert lines[4].strip() == "The case expects nothing. Add tools, facts or links to it."
    assert await user.list() == []


@pytest.mark.proves("eval.busy")
async def test_a_service_that_limits_its_users_is_asked_again(
    start_service: StartService,
    model_server: ModelServer,
    new_client: NewClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    service = start_service(IMBI_ASSISTANT_USER_CONCURRENT_ANSWERS="1")
    user = await new_client()
    gate = model_server.gate()
    async with service.client(user.email) as other:
        first = await other.begin()
        model_server.script(reply(text("Wait", wait(gate), ".")), reply(text("Ada.")))
        async with other.stream(first, "Hold the place") as stream:
            await gate.reached()
            running = asyncio.create_task(ran(service, user, options(tmp_path, only="Owner", keeps=True)))
            await until(lambda: any("429" in record.getMessage() for record in caplog.records))
            gate.open()
            await stream.rest()
        assert await running == 0


@pytest.mark.proves("eval.refused")
def test_a_service_that_could_change_something_is_asked_nothing(tmp_path: Path) -> None:
    with running_assistant() as old, pytest.raises(StartupError, match="Update the service"):
        evaluate(given(old.base_url, TOKEN), options(tmp_path))
    assert old.asked == []
    assert not old.conversations


@pytest.mark.proves("eval.refused")
def test_a_service_that_is_away_or_refuses_the_token_is_named(service: Service, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No assistant is running"):
        evaluate(given("http://127.0.0.1:1", TOKEN), options(tmp_path))
    with pytest.raises(SettingsError, match="rejected the access token"):
        evaluate(given(service.url, TOKEN), options(tmp_path))
    with pytest.raises(SettingsError, match="no case has a name like"):
        evaluate(given(service.url, TOKEN), options(tmp_path, only="none"))
