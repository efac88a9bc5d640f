"""When clients misbehave, the answer so far is stored, nothing keeps running, and other clients are not affected."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from shared.domain.events import AnswerFailed, TextAdded
from shared.http.sse import EventStream
from tests.support.aftermath import check_stored, goes_on, until
from tests.support.background import served
from tests.support.faulty_api import faulty_api
from tests.support.model_server import reply, text, tool, wait
from tests.support.plain_replies import CALLING_EVENTS, PLAIN, PLAIN_EVENTS, calling, said_before
from tests.support.proxy import proxied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import Message

    from shared.agent.outcome import Interruption
    from shared.domain.events import AnswerEvent
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes
    from tests.support.service import Service


@pytest.mark.proves("turn.client-gone", "turn.replayable")
async def test_a_client_that_goes_away_at_each_event(client: Client, model_server: ModelServer) -> None:
    """The request to the model is closed at once, and the text so far is stored."""
    conversation = await client.begin()
    expected = []
    for index in range(PLAIN_EVENTS):
        gate = model_server.gate()
        model_server.script(reply(*PLAIN, at={index: wait(gate)}))
        said = said_before(PLAIN, index)
        async with client.stream(conversation, f"before {index}") as stream:
            await gate.reached()
            while stream.so_far.text != said:
                await stream.next()
        await model_server.wait_closed(model_server.chats[-1])
        expected += [f"before {index}", *([said] if said else [])]
    before = await goes_on(client, conversation, model_server)
    assert [message["content"] for message in before] == expected


@pytest.mark.proves("turn.client-gone", "turn.replayable")
async def test_a_client_that_goes_away_in_a_call(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for index in range(CALLING_EVENTS):
        gate = model_server.gate()
        model_server.script(reply(*calling(), at={index: wait(gate)}))
        async with client.stream(conversation, f"before {index}"):
            await gate.reached()
        await model_server.wait_closed(model_server.chats[-1])
    before = await goes_on(client, conversation, model_server)
    assert all(message["tool_use"] is None for message in before)


@pytest.mark.proves("turn.client-gone")
async def test_a_client_that_goes_away_before_the_first_byte(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hello"), first_byte=gate))
    async with client.stream(conversation, "Hi"):
        await gate.reached()
    await model_server.wait_closed(model_server.chats[0])
    assert [message["content"] for message in await goes_on(client, conversation, model_server)] == ["Hi"]


@pytest.mark.proves("turn.client-gone", "turn.round-is-atomic")
async def test_a_client_that_goes_away_stops_the_tools(start_service: StartService, model_server: ModelServer) -> None:
    with served(faulty_api()) as url, proxied(url) as proxy:
        async with start_service(IMBI_INTERNAL_API_URL=proxy.url).client() as client:
            conversation = await client.begin()
            calls = (tool("navigate_to", {"path": "/projects"}), tool("hang"), tool("hang"))
            model_server.script(reply(text("Let me see."), *calls))
            async with client.stream(conversation, "Hi") as stream:
                await stream.until("client_action")
                await until(lambda: proxy.connections >= 2)
                busy = proxy.connections
            await until(lambda: proxy.connections <= busy - 2)
            before = await goes_on(client, conversation, model_server)
            assert len(before[1]["tool_use"]) == 3
            results = before[2]["tool_results"]
            assert [result.get("is_error", False) for result in results] == [False, True, True]


@pytest.mark.proves("turn.client-gone", "title.first-exchange")
async def test_a_client_that_goes_away_after_done_loses_nothing(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    gate = model_server.gate()
    model_server.script(reply(text("Hello")))
    model_server.script_titles(reply(text("A title"), first_byte=gate))
    async with client.stream(conversation, "Hi") as stream:
        await stream.until("done")
        await gate.reached()
    gate.open()
    await model_server.wait_requests(2)
    assert len(await goes_on(client, conversation, model_server)) == 2
    async with asyncio.timeout(30):
        while (await client.get(conversation))["title"] != "A title":
            pass


@pytest.mark.proves("turn.client-gone", "messages.user-first")
async def test_half_a_body_asks_nothing(client: Client, service: Service, model_server: ModelServer) -> None:
    conversation = await client.begin()
    for sent in (0, 1, 15):
        with raw_request(service.url, conversation, client, sent=sent):
            pass
    assert await client.messages(conversation) == []
    await goes_on(client, conversation, model_server)


@pytest.mark.proves("clients.twice")
async def test_a_question_sent_twice_at_once_is_shown_once(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(*(reply(text("Hello")) for _ in range(2)))
    answers = await asyncio.gather(*(client.ask(conversation, "Hi") for _ in range(2)))
    assert {answer.end.name for answer in answers} == {"done"}
    messages = await client.messages(conversation)
    assert sum(message["content"] == "Hi" for message in messages) == 1
    assert [message["role"] for message in messages] == ["user", "assistant"]


@contextlib.contextmanager
def raw_request(url: str, conversation: str, client: Client, *, sent: int | None = None) -> Iterator[socket.socket]:
    """Send a message, or a part of it, over a socket with little room; what comes back is left unread."""
    address = urlsplit(url)
    body = b'{"content": "Hi"}'
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        head = (
            f"POST {address.path}/conversations/{conversation}/messages HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {client.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:sent])
        yield connection


@pytest.mark.slow
@pytest.mark.proves("clients.slow")
async def test_a_reader_that_does_not_read_costs_bounded_memory_and_no_connection(
    processes: Processes, model_server: ModelServer
) -> None:
    """The only connection of the pool is others'; 30 MB of answers wait at the model's side."""
    service = await processes.start(POSTGRES_MAX_POOL_SIZE="1")
    piece = "x" * 10_000
    async with service.client() as client:
        await goes_on(client, await client.begin(), model_server)
        model_server.clear()
        conversations = [await client.begin() for _ in range(3)]
        model_server.script(*(reply(text(*[piece] * 1000)) for _ in conversations))
        before = resident(service.pid)
        with contextlib.ExitStack() as stack:
            for each in conversations:
                stack.enter_context(raw_request(service.url, each, client))
            await model_server.wait_requests(3)
            await settled(service.pid)
            assert resident(service.pid) - before < 20_000_000
            async with asyncio.timeout(30):
                assert len(await client.list()) >= 3
        for each in conversations:
            model_server.script(reply(text("Go")))
            assert (await client.ask(each, "Go on")).text == "Go"
            check_stored(await client.messages(each))
    service.kill()


async def settled(pid: int) -> None:
    """Wait until a process takes no more memory."""
    async with asyncio.timeout(60):
        last = 0
        while (now := resident(pid)) != last:
            last = now
            await asyncio.sleep(0.3)


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.slow
@pytest.mark.proves("clients.slow", "faults.stall")
async def test_a_reader_that_rests_is_not_taken_for_a_silent_model(
    start_service: StartService, model_server: ModelServer
) -> None:
    """It rests for longer than the model may be silent, then reads everything."""
    service = start_service(IMBI_ASSISTANT_MODEL_IDLE_SECONDS="0.5")
    piece = "x" * 10_000
    async with service.client() as client:
        conversation = await client.begin()
        model_server.script(reply(text(*[piece] * 1000)))
        with raw_request(service.url, conversation, client) as connection:
            await model_server.wait_requests(1)
            await asyncio.sleep(1.5)
            whole = await asyncio.to_thread(read_all, connection)
        assert b"event: done" in whole
        assert len((await client.messages(conversation))[1]["content"]) == 10_000_000
        await goes_on(client, conversation, model_server)


def read_all(connection: socket.socket) -> bytes:
    connection.settimeout(60)
    whole = b""
    while b"event: done" not in whole[-4096:]:
        data = connection.recv(1_000_000)
        if not data:
            break
        whole += data
    return whole


@pytest.mark.proves("turn.client-gone")
async def test_a_slow_reader_may_leave_after_the_model_has_ended(
    client: Client, service: Service, model_server: ModelServer
) -> None:
    """Its last frames wait for room when it leaves; nothing goes on for it afterwards."""
    conversation = await client.begin()
    model_server.script(reply(text(*["x" * 20_000] * 200)))
    with raw_request(service.url, conversation, client):
        await until(lambda: len(model_server.chats) == 1 and model_server.chats[0].ended.done())
    await goes_on(client, conversation, model_server)


class FinishedAnswer:
    """An answer that says everything while its reader takes the first piece."""

    def __init__(self) -> None:
        self.interruptions = 0
        self.is_read = asyncio.Event()

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        await emit(TextAdded("first"))
        await self.is_read.wait()
        await emit(AnswerFailed("It is over.", "internal", retryable=False))

    def interrupt(self, _reason: Interruption) -> None:
        self.interruptions += 1


@pytest.mark.proves("turn.client-gone")
async def test_a_response_ends_when_its_reader_leaves_with_frames_waiting() -> None:
    """The end of the answer waits behind a frame that the reader never takes."""
    has_left, is_told, takes = asyncio.Event(), asyncio.Event(), asyncio.Event()
    answer = FinishedAnswer()

    async def receive() -> Message:
        await has_left.wait()
        is_told.set()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            answer.is_read.set()
            await takes.wait()

    responding = asyncio.create_task(EventStream(answer)({"type": "http"}, receive, send))
    await answer.is_read.wait()
    await asyncio.wait({responding}, timeout=0.05)
    has_left.set()
    await is_told.wait()
    await until(lambda: answer.interruptions)
    takes.set()
    async with asyncio.timeout(30):
        await responding
