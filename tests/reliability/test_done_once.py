"""A change is made once: its intent is stored before it is sent, and a call that was cut off is told of."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.support import leases
from tests.support.aftermath import until
from tests.support.audit_rows import intents_of, rows_of
from tests.support.background import served
from tests.support.counted_api import CountedApi
from tests.support.model_server import reply, text, tool
from tests.support.proxy import proxied_database
from tests.support.service import DEVELOPER
from tests.support.tool_results import result_of, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes

CHANGE = {"name": "engine"}


@pytest.fixture
def counted() -> CountedApi:
    return CountedApi()


@pytest.fixture
def api_url(counted: CountedApi) -> Iterator[str]:
    with served(counted.app) as url:
        counted.url = url
        yield url


@pytest.fixture
async def changing(api_url: str, start_service: StartService) -> AsyncIterator[Client]:
    async with start_service(IMBI_INTERNAL_API_URL=api_url).client(DEVELOPER) as client:
        yield client


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def changes(*names: str) -> Any:
    return reply(*[tool("change_thing", {"name": name}, call_id=f"toolu_{name}") for name in names])


@pytest.mark.proves("calls.headers")
async def test_calls_carry_the_request_and_the_trace_that_they_belong_to(
    changing: Client, counted: CountedApi, model_server: ModelServer
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Request-ID": "request-1", "traceparent": trace, "tracestate": "vendor=a"}
    conversation = await changing.begin()
    model_server.script(changes("engine"), reply(text("Done.")))
    async with changing.stream(conversation, "Change it", headers=headers) as stream:
        assert (await stream.rest()).done
    sent = counted.changes[0].headers
    assert sent["x-request-id"] == "request-1"
    assert (sent["traceparent"], sent["tracestate"]) == (trace, "vendor=a")
    assert re.fullmatch(r"imbi-assistant/\S+", sent["user-agent"])


@pytest.mark.proves("calls.idempotency-key")
async def test_every_change_has_a_key_of_its_own_and_readings_have_none(
    changing: Client, counted: CountedApi, model_server: ModelServer
) -> None:
    conversation = await changing.begin()
    again = reply(tool("change_thing", CHANGE, call_id="toolu_other"), tool("get_thing", CHANGE))
    model_server.script(changes("engine", "wheel"), again, reply(text("Done.")))
    assert (await changing.ask(conversation, "Change them")).done
    keys = [each.headers["idempotency-key"] for each in counted.changes]
    assert len(set(keys)) == len(keys) == 3
    assert all(UUID(key).version == 5 for key in keys)
    assert {each.headers.get("idempotency-key") for each in counted.arrivals if each.method == "GET"} == {None}


@pytest.mark.proves("calls.fence")
async def test_no_call_is_sent_after_another_answer_has_taken_the_conversation(
    changing: Client, counted: CountedApi, model_server: ModelServer, database: Database
) -> None:
    conversation = await changing.begin()
    taking: list[Any] = []

    def taken(_body: Any) -> Any:
        taking.append(in_thread(leases.hold(database, conversation)))
        return changes("engine", "wheel")

    model_server.script(taken)
    answer = await changing.ask(conversation, "Change them")
    assert answer.error["message"].startswith("Another answer")
    assert (taking, counted.arrivals) == ([None], [])
    assert await intents_of(database, conversation) == 0
    await leases.give_back(database, conversation)


@pytest.mark.proves("calls.fence-waits")
async def test_a_round_waits_for_a_database_that_is_away_for_some_seconds(
    counted: CountedApi, api_url: str, start_service: StartService, model_server: ModelServer, database: Database
) -> None:
    with proxied_database(database.dsn) as proxy:
        service = start_service(IMBI_INTERNAL_API_URL=api_url, POSTGRES_URL=proxy.url)
        async with service.client(DEVELOPER) as client:
            conversation = await client.begin()

            def without_database(_body: Any) -> Any:
                proxy.kill()
                return changes("engine")

            model_server.script(without_database, reply(text("Done.")))
            async with client.stream(conversation, "Change it") as stream:
                while (await stream.next()).name != "content_block_stop":
                    pass
                proxy.revive()
                assert (await stream.rest()).done
    assert len(counted.changes) == 1


@pytest.mark.proves("calls.stopped")
async def test_a_change_that_does_not_end_in_time_has_an_unknown_outcome(
    changing: Client, counted: CountedApi, model_server: ModelServer, database: Database
) -> None:
    counted.hold()
    conversation = await changing.begin()
    model_server.script(changes("engine"))
    async with changing.stream(conversation, "Change it") as stream:
        await until(lambda: counted.changes)
        await changing.stop(conversation)
        assert (await stream.rest()).done["stop_reason"] == "stopped"
    [_, _, results] = await changing.messages(conversation)
    assert "not known whether the change was made" in results["tool_results"][0]["content"]
    assert [row["status"] for row in await rows_of(database, conversation)] == ["unknown"]
    assert await intents_of(database, conversation) == 0
    counted.release()


@pytest.mark.proves("calls.killed")
async def test_the_next_answer_tells_of_a_change_whose_process_was_killed(
    changing: Client, counted: CountedApi, processes: Processes, model_server: ModelServer, database: Database
) -> None:
    counted.hold()
    conversation = await changing.begin()
    look = tool("get_thing", {"name": "wheel"}, call_id="toolu_wheel")
    model_server.script(reply(look, tool("change_thing", CHANGE, call_id="toolu_engine")))
    victim = await processes.start(IMBI_INTERNAL_API_URL=counted.url)
    async with victim.client() as client, client.stream(conversation, "Change it"):
        await until(lambda: counted.changes)
        victim.kill()
    counted.release()
    await leases.expire(database, conversation)
    model_server.script(reply(tool("get_thing", CHANGE, call_id="toolu_look")), reply(text("It was changed.")))
    answer = await changing.ask(conversation, "And?")
    assert answer.text.startswith("*The service failed during the previous answer")
    assert "change_thing (PATCH /api/things/engine)" in answer.text
    question = " ".join(block["text"] for block in model_server.chats[-2].body["messages"][-1]["content"])
    assert "NOT KNOWN" in question
    assert "get_thing" not in question, "nobody has to be told of a reading"
    assert '{"name":"engine","changed":1}' in question
    assert told(result_of(model_server, "toolu_look", request=2))
    rows = {row["call_id"]: row["status"] for row in await rows_of(database, conversation)}
    assert rows == {"toolu_wheel": "unknown", "toolu_engine": "unknown", "toolu_look": "ok"}
    assert await intents_of(database, conversation) == 0
    stored = await changing.messages(conversation)
    assert stored[2]["content"].startswith("*The service failed")
    model_server.script(reply(text("Nothing more.")))
    assert (await changing.ask(conversation, "And now?")).text == "Nothing more."
    assert len(counted.changes) == 1


@pytest.mark.proves("approvals.killed", "audit.one-row")
async def test_the_next_answer_does_not_repeat_approved_calls_whose_process_was_killed(
    counted: CountedApi,
    api_url: str,
    processes: Processes,
    start_service: StartService,
    model_server: ModelServer,
    database: Database,
) -> None:
    variables = {"IMBI_INTERNAL_API_URL": api_url, "IMBI_ASSISTANT_APPROVALS": "writes"}
    keeper = start_service(**variables).client(DEVELOPER)
    victim = await processes.start(**variables)
    conversation = await keeper.begin()
    model_server.script(changes("engine"), reply(text("I do not know.")))
    await keeper.ask(conversation, "Change it")
    counted.hold()
    async with victim.client() as client, client.stream(conversation, "yes"):
        await until(lambda: counted.changes)
        victim.kill()
    counted.release()
    await leases.expire(database, conversation)
    assert (await keeper.ask(conversation, "Approve!")).done
    assert "Whether it was run is not known" in told(result_of(model_server, "toolu_engine"))
    assert [row["status"] for row in await rows_of(database, conversation)] == ["unknown"]
    assert counted.things == {"engine": 1}
    await keeper.http.aclose()
