"""Every failure of a tool is a result, and the turn goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import goes_on
from tests.support.background import served
from tests.support.faulty_api import RESET, faulty_api
from tests.support.model_server import reply, text, tool
from tests.support.proxy import proxied
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer
    from tests.support.proxy import Proxy

TIMEOUT = 0.5
MOST = 5000


@pytest.fixture(scope="module")
def faulty(variables: dict[str, str]) -> Iterator[tuple[Service, Proxy]]:
    with served(faulty_api()) as url, proxied(url) as proxy:
        changes = {
            "IMBI_INTERNAL_API_URL": proxy.url,
            "IMBI_ASSISTANT_TOOL_TIMEOUT_SECONDS": str(TIMEOUT),
            "IMBI_ASSISTANT_MAX_TOOL_RESULT_CHARS": str(MOST),
        }
        with Service(variables | changes) as service:
            yield service, proxy


@pytest.fixture
async def user(faulty: tuple[Service, Proxy], model_server: ModelServer) -> AsyncIterator[Client]:  # noqa: ARG001  # its script is the test's
    """Return a client of a service whose Imbi API fails."""
    async with faulty[0].client() as client:
        yield client


async def results_of(client: Client, model_server: ModelServer, *calls: tuple[str, Json]) -> list[Json]:
    """Have tools called, and give what the model is told; the turn and the conversation go on."""
    conversation = await client.begin()
    steps = [tool(name, arguments) for name, arguments in calls]
    model_server.script(reply(text("Let me see."), *steps), reply(text("I see.")))
    answer = await client.ask(conversation, "Hi")
    assert answer.text == "Let me see.I see."
    assert answer.done
    assert len(answer.of("tool_result")) == len(calls)
    given = model_server.chats[1].results
    ids = [step.complete["id"] for step in steps]
    assert list(given) == ids
    for event in answer.of("tool_result"):
        assert event.data["is_error"] is given[event.data["id"]].get("is_error", False)
    await goes_on(client, conversation, model_server)
    return [given[each] for each in ids]


@pytest.mark.proves("faults.tools", "tools.failure-is-result", "turn.replayable")
async def test_every_failure_of_a_tool_is_a_result(
    user: Client, model_server: ModelServer, faulty: tuple[Service, Proxy]
) -> None:
    faulty[1].break_at(RESET, arrives=False)
    calls: list[tuple[str, Json]] = [
        ("fail", {"status": 404}),
        ("fail", {"status": 500, "detail": "It broke."}),
        ("crash", {}),
        ("no_such_tool", {}),
        ("echo", {}),
        ("echo", {"text": {"a": [1]}, "unheard": "of"}),
        ("reset", {}),
        ("short", {}),
    ]
    results = await results_of(user, model_server, *calls)
    assert all(result["is_error"] for result in results)
    whole = str(results)
    assert "SECRET" not in whole
    assert "Traceback" not in whole
    assert "Bearer" not in whole


@pytest.mark.proves("faults.tools")
async def test_a_tool_that_hangs_is_given_up_alone(user: Client, model_server: ModelServer) -> None:
    hung, said = await results_of(user, model_server, ("hang", {}), ("echo", {"text": "here"}))
    assert (hung["is_error"], said.get("is_error", False)) == (True, False)
    assert "here" in str(said["content"])


@pytest.mark.proves("faults.tools", "tools.truncated")
async def test_huge_and_strange_results_are_made_harmless(user: Client, model_server: ModelServer) -> None:
    huge, nul, raw, half = await results_of(
        user, model_server, ("long_text", {"size": 3_000_000}), ("nul", {}), ("bytes", {}), ("broken_json", {})
    )
    assert len(str(huge["content"])) < MOST + 1000
    assert "\0" not in str(nul["content"]) + str(raw["content"]) + str(half["content"])


@pytest.mark.proves("faults.tools")
async def test_an_unreachable_api_costs_results_but_no_turn(
    user: Client, model_server: ModelServer, faulty: tuple[Service, Proxy]
) -> None:
    proxy = faulty[1]
    proxy.kill()
    [refused] = await results_of(user, model_server, ("echo", {"text": "here"}))
    assert refused["is_error"] is True
    proxy.revive()
    model_server.clear()
    [again] = await results_of(user, model_server, ("echo", {"text": "here"}))
    assert "here" in str(again["content"])
