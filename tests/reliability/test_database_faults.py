"""When the database fails, requests end in time, acknowledged data are kept, and the service recovers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.aftermath import check_stored, goes_on
from tests.support.model_server import reply, text, tool, wait
from tests.support.proxy import away
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx2

    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.proxy import Proxy

pytestmark = pytest.mark.slow

LONGEST = 20.0
"""Seconds after which a request hangs; the service gives up after five."""


@pytest.fixture(scope="module")
def _behind_proxy(variables: dict[str, str], database_proxy: Proxy) -> Iterator[Service]:
    with Service(variables | {"POSTGRES_URL": database_proxy.url}) as running:
        yield running


@pytest.fixture
def proxy(database_proxy: Proxy) -> Iterator[Proxy]:
    """Return the proxy in front of the database, which is in order again afterwards."""
    yield database_proxy
    database_proxy.revive()


@pytest.fixture
async def behind(_behind_proxy: Service, model_server: ModelServer, proxy: Proxy) -> AsyncIterator[Client]:  # noqa: ARG001  # the script and the way are the test's
    """Return a client of a service that reaches its database through the proxy."""
    async with _behind_proxy.client() as client:
        yield client


async def timed(request: Any) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    response = await request
    return response, time.monotonic() - began


def check_unavailable(response: httpx2.Response, seconds: float) -> None:
    assert (response.status_code, response.json()) == (503, {"detail": "The database cannot be reached"})
    assert int(response.headers["retry-after"]) > 0
    assert seconds < LONGEST


async def check_status(client: Client, expected: str) -> None:
    response, seconds = await timed(client.http.get("/status"))
    assert response.json()["status"] == expected
    assert response.status_code == (200 if expected == "ok" else 503)
    assert seconds < LONGEST


@asynccontextmanager
async def hanging(proxy: Proxy) -> AsyncIterator[None]:
    proxy.hang()
    yield
    proxy.revive()


@asynccontextmanager
async def crawling(proxy: Proxy) -> AsyncIterator[None]:
    proxy.delay = 60.0
    yield
    proxy.reset()
    proxy.revive()


FAULTS = {"refused": away, "half-open": hanging, "slow": crawling}


@pytest.mark.proves(
    "database.unavailable",
    "database.back",
    "database.exhausted",
    "errors.unreachable-graph-is-503",
    "status.failing",
)
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_route_answers_in_time_and_works_when_it_is_back(
    behind: Client, model_server: ModelServer, proxy: Proxy, fault: str
) -> None:
    """More requests than the pool has connections come at once, reads and transactions."""
    conversation = await behind.begin()
    path = f"/conversations/{conversation}"
    requests: tuple[tuple[str, str, Any], ...] = (
        ("GET", "/conversations", None),
        ("POST", "/conversations", {}),
        ("GET", path, None),
        ("DELETE", path, None),
        ("POST", f"{path}/messages", {"content": "Hi"}),
        ("POST", f"{path}/stop", None),
        *[("GET", path, None)] * 12,
        *[("PATCH", path, {"title": "New"})] * 12,
    )
    async with FAULTS[fault](proxy):
        await asyncio.gather(*(_check_one(behind, *request) for request in requests), check_status(behind, "failing"))
    outcomes = [await timed(behind.http.get(path)) for _ in range(3)]
    outcomes += await asyncio.gather(*(timed(behind.http.get(path)) for _ in range(20)))
    assert sum(response.status_code != 200 for response, _ in outcomes) <= 1
    assert all(seconds < LONGEST for _, seconds in outcomes)
    await check_status(behind, "ok")
    assert await goes_on(behind, conversation, model_server) == []


async def _check_one(client: Client, method: str, path: str, body: Any) -> None:
    check_unavailable(*await timed(client.http.request(method, path, json=body)))


@pytest.mark.proves("database.back")
@pytest.mark.parametrize("pause", [0.0, 1.5])
async def test_a_restart_costs_at_most_one_request(behind: Client, proxy: Proxy, pause: float) -> None:
    """Many connections are open, and all of them are dead afterwards."""
    await asyncio.gather(*(behind.list() for _ in range(20)))
    if pause:
        async with away(proxy):
            await asyncio.sleep(pause)
    else:
        proxy.reset()
    responses = [await behind.http.get("/conversations") for _ in range(8)]
    assert sum(response.status_code != 200 for response in responses) <= 1


@pytest.mark.proves("database.back")
async def test_half_open_connections_cost_at_most_one_request(behind: Client, proxy: Proxy) -> None:
    """The connections that are open never answer again, while new ones would."""
    await asyncio.gather(*(behind.list() for _ in range(20)))
    assert proxy.connections > 1
    proxy.hang()
    proxy.revive()
    outcomes = [await timed(behind.http.get("/conversations")) for _ in range(8)]
    assert sum(response.status_code != 200 for response, _ in outcomes) <= 1
    assert all(seconds < LONGEST for _, seconds in outcomes)


@pytest.mark.proves("database.kept", "turn.replayable")
@pytest.mark.parametrize("answer", [(), ("tool",)], ids=["text", "round"])
async def test_storing_outlasts_a_database_that_is_away(
    behind: Client, model_server: ModelServer, proxy: Proxy, answer: tuple[str, ...]
) -> None:
    conversation = await behind.begin()
    gate = model_server.gate()
    rounds = [reply(text("Look."), tool("navigate_to", {"path": "/projects"}), text(wait(gate)))] if answer else []
    model_server.script(*rounds, reply(text("Hel", *([] if answer else [wait(gate)]), "lo")))
    async with behind.stream(conversation, "Hi") as stream:
        await gate.reached()
        async with away(proxy):
            gate.open()
            await asyncio.sleep(2)
        whole = await stream.rest()
    if answer:
        # Whether the token is still good cannot be asked while the database is away: the answer may end there.
        assert whole.end.name in {"done", "error"}
    else:
        assert whole.done
        assert (await behind.messages(conversation))[1]["content"] == "Hello"
    before = await goes_on(behind, conversation, model_server)
    assert [message["content"] for message in before][:2] == ["Hi", "Look." if answer else "Hello"]


@pytest.mark.proves("database.kept", "turn.round-is-atomic")
@pytest.mark.parametrize("arrives", [True, False], ids=["committed", "lost"])
async def test_a_commit_whose_end_is_not_seen_stores_once(
    behind: Client, model_server: ModelServer, proxy: Proxy, *, arrives: bool
) -> None:
    conversation = await behind.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with behind.stream(conversation, "Hi") as stream:
        await gate.reached()
        proxy.break_at(b"COMMIT", arrives=arrives)
        gate.open()
        answer = await stream.rest()
    assert answer.done
    before = await goes_on(behind, conversation, model_server)
    assert [message["content"] for message in before] == ["Hi", "Hello"]
    assert before[1]["id"] == answer.done["message_id"]


@pytest.mark.proves("database.back", "database.begin-unsure")
@pytest.mark.parametrize("arrives", [True, False], ids=["committed", "lost"])
async def test_a_question_with_an_unknown_commit_does_not_block_the_next(
    behind: Client, model_server: ModelServer, proxy: Proxy, *, arrives: bool
) -> None:
    """The client was told 503; the lease that the question may have taken is given back."""
    conversation = await behind.begin()
    proxy.break_at(b"COMMIT", arrives=arrives)
    check_unavailable(*await timed(behind.post(conversation, "Hi")))
    model_server.script(reply(text("Hello")))
    response, seconds = await timed(behind.post(conversation, "Again"))
    assert response.status_code == 200, response.text
    assert seconds < LONGEST
    messages = await behind.messages(conversation)
    check_stored(messages)
    assert [message["content"] for message in messages] == [*(["Hi"] if arrives else []), "Again", "Hello"]
    await goes_on(behind, conversation, model_server)


@pytest.mark.proves("database.kept")
async def test_an_answer_outlasts_its_leases_renewals(behind: Client, model_server: ModelServer, proxy: Proxy) -> None:
    """The database is away while the model speaks: nobody needs it then."""
    conversation = await behind.begin()
    gates = [model_server.gate() for _ in range(2)]
    model_server.script(reply(text("Hel", wait(gates[0]), "lo", wait(gates[1]))))
    async with behind.stream(conversation, "Hi") as stream:
        await gates[0].reached()
        async with away(proxy):
            await asyncio.sleep(2.5)
            gates[0].open()
            assert (await stream.until(lambda event: event.data == {"text": "lo"})).name == "text"
        gates[1].open()
        assert (await stream.rest()).done
    await goes_on(behind, conversation, model_server)


@pytest.mark.proves("database.unavailable")
async def test_a_database_that_stays_away_ends_the_answer(
    behind: Client, model_server: ModelServer, proxy: Proxy
) -> None:
    conversation = await behind.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hel", wait(gate), "lo")))
    async with behind.stream(conversation, "Hi") as stream:
        await gate.reached()
        proxy.kill()
        gate.open()
        answer = await stream.rest()
    assert answer.error["code"] == "internal"
    proxy.revive()
    messages = await behind.messages(conversation)
    check_stored(messages)
    assert [message["content"] for message in messages] == ["Hi"]
    await goes_on(behind, conversation, model_server)


@pytest.mark.proves("input.no-query")
async def test_a_malformed_id_sends_the_database_nothing(behind: Client, proxy: Proxy) -> None:
    await behind.list()
    before = proxy.requests
    for odd in ("1", "x" * 3000, "%00", "{" + str(uuid4()) + "}"):
        assert (await behind.http.get(f"/conversations/{odd}")).status_code == 404
        assert (await behind.http.post(f"/conversations/{odd}/stop")).status_code == 404
    assert proxy.requests == before
