"""Many requests at once are all served; requests beyond the limit are refused."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.aftermath import check_error, check_stored, goes_on, until
from tests.support.model_server import reply, text, wait
from tests.support.sse import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import Control, ModelServer
    from tests.support.processes import Forked, Processes
    from tests.support.proxy import Proxy

STREAMS = 200
BURST = 300
PIECES = 20
PLACES = "2000"
"""So many that a quarter of them, the share of one user, is enough for all streams."""


@asynccontextmanager
async def several(service: Forked) -> AsyncIterator[list[Client]]:
    """Return clients enough for all streams: each has a hundred connections at most."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(service.client()) for _ in range(4)]


@pytest.mark.slow
@pytest.mark.proves("load.many")
async def test_two_hundred_streams_at_once_all_end_whole(processes: Processes, model_server: ModelServer) -> None:
    """Every stream is under way before any may go on; then they advance together."""
    service = await processes.start(IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS=PLACES)
    gate = model_server.gate()
    async with several(service) as clients:
        conversations = await asyncio.gather(*(clients[n % 4].begin() for n in range(STREAMS)))
        steps: tuple[str | Control, ...] = ("first ", wait(gate), *[f"{n} " for n in range(PIECES)])
        model_server.script(*(reply(text(*steps)) for _ in conversations))
        firsts: list[int] = []

        async def follow(number: int) -> None:
            async with clients[number % len(clients)].stream(conversations[number], "Hi") as stream:
                await stream.until("text")
                firsts.append(number)
                if len(firsts) == STREAMS:
                    gate.open()
                answer = await stream.rest()
            assert answer.done
            assert answer.text.split() == ["first", *map(str, range(PIECES))]

        await asyncio.gather(*map(follow, range(STREAMS)))
        check_stored(await clients[0].messages(conversations[-1]))
    service.kill()


@pytest.mark.slow
@pytest.mark.proves("load.burst")
async def test_of_three_hundred_questions_at_the_same_moment_none_is_lost(
    processes: Processes, model_server: ModelServer
) -> None:
    service = await processes.start(IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS=PLACES)
    async with several(service) as clients:
        conversations = await asyncio.gather(*(clients[n % 4].begin() for n in range(BURST)))
        model_server.script(*(reply(text("Hello")) for _ in conversations))
        answers = await asyncio.gather(*(clients[n % 4].ask(each, "Hi") for n, each in enumerate(conversations)))
        assert sum(bool(answer.done) and answer.text == "Hello" for answer in answers) == BURST
        check_stored(await clients[0].messages(conversations[-1]))
    assert "could not be renewed" not in service.log.read_text()
    service.kill()


@pytest.mark.proves("load.limit")
async def test_streams_beyond_the_limit_are_refused(
    start_service: StartService, model_server: ModelServer, database: Database
) -> None:
    service = start_service(IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS="3")
    gate = model_server.gate()
    async with AsyncExitStack() as stack:
        emails = [await database.add_user() for _ in range(10)]
        clients = [await stack.enter_async_context(service.client(email)) for email in emails]
        conversations = [await each.begin() for each in clients]
        model_server.script(*(reply(text("Hel", wait(gate), "lo")) for _ in range(3)))
        asking = [
            asyncio.create_task(client.post(each, "Hi")) for client, each in zip(clients, conversations, strict=True)
        ]
        refused = []
        for each in asyncio.as_completed(asking):
            response = await each
            if response.status_code == 200:
                break
            refused.append(response)
            if len(refused) == 7:
                gate.open()
        answered = [response for response in await asyncio.gather(*asking) if response.status_code == 200]
        assert (len(refused), len(answered)) == (7, 3)
        for response in refused:
            assert (response.status_code, response.json()) == (503, {"detail": "Too many answers are being streamed"})
            assert int(response.headers["retry-after"]) > 0
        stored = [len(await client.messages(each)) for client, each in zip(clients, conversations, strict=True)]
        assert sorted(stored) == [0] * 7 + [2] * 3
        model_server.clear()
        place = stored.index(0)
        await goes_on(clients[place], conversations[place], model_server)


@pytest.mark.slow
@pytest.mark.proves("load.shutdown", "turn.replayable")
@pytest.mark.parametrize("streams", [1, 100])
async def test_a_shutdown_ends_and_stores_running_answers(
    client: Client, processes: Processes, model_server: ModelServer, streams: int
) -> None:
    service = await processes.start()
    gates = [model_server.gate() for _ in range(streams)]
    async with several(service) as clients:
        conversations = await asyncio.gather(*(clients[n % 4].begin() for n in range(streams)))
        model_server.script(*(reply(text("Hel", wait(gate), "lo")) for gate in gates))
        arrived = asyncio.Semaphore(0)

        async def follow(number: int) -> None:
            async with clients[number % len(clients)].stream(conversations[number], "Hi") as stream:
                await stream.until("text")
                arrived.release()
                answer = await stream.rest()
            check_error(answer.error, "shutdown")
            assert answer.error["retryable"] is True
            assert answer.text.startswith(f"Hel\n\n{INTERRUPTED}")

        following = asyncio.gather(*map(follow, range(streams)))
        for _ in range(streams):
            async with asyncio.timeout(60):
                await arrived.acquire()
        service.signal(signal.SIGTERM)
        await following
        await service.ended(60)
    for each in conversations[:5]:
        assert [message["content"] for message in await client.messages(each)] == ["Hi", "Hel"]
    await goes_on(client, conversations[0], model_server)
    assert "Traceback" not in service.log.read_text()


@pytest.mark.slow
@pytest.mark.proves("load.second-signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_signal_ends_at_once_and_quietly(
    processes: Processes, model_server: ModelServer, database_proxy: Proxy, number: signal.Signals
) -> None:
    """What was said cannot be stored when the first one comes: the database hangs."""
    service = await processes.start(POSTGRES_URL=database_proxy.url)
    gate = model_server.gate()
    async with service.client() as client:
        conversation = await client.begin()
        model_server.script(reply(text("Hel", wait(gate), "lo")))
        async with client.stream(conversation, "Hi") as stream:
            await stream.until("text")
            database_proxy.hang()
            service.signal(number)
            await until(lambda: not is_listening(service.url))
            service.signal(number)
            await service.ended(30)
    database_proxy.revive()
    assert "Traceback" not in service.log.read_text()


def is_listening(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as connection:
        return connection.connect_ex((address.hostname, address.port)) == 0
