"""Requests that stay incomplete, heads that are too large, and clients that read nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from shared.http.bounded_protocol import ConnectionLimits
from shared.http.server import bind, create_server
from tests.support.aftermath import goes_on
from tests.support.model_server import reply, text, wait
from tests.support.service import DEVELOPER, Service, token_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import Receive, Scope, Send

    from tests.support.model_server import ModelServer

SHORT = ConnectionLimits(head_seconds=0.3, body_seconds=0.4, stall_seconds=0.5)
SECONDS = 30
AUTHORIZED = f"Authorization: Bearer {token_of(DEVELOPER)}\r\n"
POST = "POST /conversations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
FLOOD = 500
FLOOD_SECONDS = 60


@pytest.fixture(scope="module")
def bounded(variables: dict[str, str]) -> Iterator[Service]:
    with Service(variables, SHORT) as running:
        yield running


@asynccontextmanager
async def connected(service: Service) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(service.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def received(service: Service, sent: bytes) -> bytes:
    """Send bytes, and return everything that comes until the service closes the connection."""
    async with connected(service) as (reader, writer), asyncio.timeout(SECONDS):
        writer.write(sent)
        return await reader.read()


INCOMPLETE = {
    "line": "GET /sta",
    "headers": "GET /status HTTP/1.1\r\nHost: x\r\n",
    "body": f"{POST}{AUTHORIZED}Content-Length: 20\r\n\r\n{{",
    "chunks": f"{POST}{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n5\r\n{{",
    "expected body": f"{POST}{AUTHORIZED}Content-Length: 20\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.proves("bounds.bounded")
@pytest.mark.parametrize("kind", INCOMPLETE)
async def test_a_request_that_stays_incomplete_gets_408(bounded: Service, kind: str) -> None:
    response = await received(bounded, INCOMPLETE[kind].encode())
    head, _, body = response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert body == b'{"detail": "Request Timeout"}'


@pytest.mark.proves("bounds.bounded")
async def test_a_connection_without_a_request_is_closed_without_a_response(bounded: Service) -> None:
    assert await received(bounded, b"") == b""


@pytest.mark.proves("bounds.bounded")
@pytest.mark.parametrize(
    "start", ["", "GET /status HTTP/1.1\r\nX: ", f"{POST}{AUTHORIZED}Content-Length: 9999\r\n\r\n"]
)
async def test_bytes_that_trickle_in_gain_no_time(bounded: Service, start: str) -> None:
    async with connected(bounded) as (reader, writer), asyncio.timeout(SECONDS):
        reading = asyncio.create_task(reader.read())
        writer.write(start.encode())
        while not reading.done():
            writer.write(b"\r\n" if not start else b"x")
            await asyncio.wait({reading}, timeout=0.02)


@pytest.mark.proves("bounds.bounded")
async def test_a_further_request_on_a_connection_has_the_same_time(bounded: Service) -> None:
    response = await received(bounded, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\nGET /stat")
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.count(b"HTTP/1.1 408 Request Timeout\r\n") == 1


FIELD = "X-Field: x\r\n"
LARGE = {
    "field": f"GET /status HTTP/1.1\r\nX: {'x' * 70_000}\r\n\r\n",
    "field without an end": f"GET /status HTTP/1.1\r\nX: {'x' * 70_000}",
    "fields": f"GET /status HTTP/1.1\r\n{FIELD * 2000}\r\n",
    "fields without an end": f"GET /status HTTP/1.1\r\n{FIELD * 6000}",
    "address": f"GET /status?{'x' * 70_000} HTTP/1.1\r\n\r\n",
    "trailers": f"{POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n0\r\n{FIELD * 2000}\r\n",
}


@pytest.mark.proves("bounds.head")
@pytest.mark.parametrize("kind", LARGE)
async def test_a_head_that_is_too_large_gets_431(bounded: Service, kind: str) -> None:
    assert (await received(bounded, LARGE[kind].encode())).startswith(b"HTTP/1.1 431 ")


@pytest.mark.proves("bounds.head")
async def test_a_large_head_within_the_bound_is_read(bounded: Service) -> None:
    sent = f"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {'x' * 60_000}\r\n\r\n"
    assert (await received(bounded, sent.encode())).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.proves("bounds.answers-go-on")
async def test_an_answer_takes_longer_than_any_bound(bounded: Service, model_server: ModelServer) -> None:
    """Half a further request comes on its connection meanwhile; it is refused only after the answer."""
    gate = model_server.gate()
    model_server.script(reply(text("One.", wait(gate), " Two.")))
    async with bounded.client() as client, connected(bounded) as (reader, writer), asyncio.timeout(SECONDS):
        conversation = await client.begin()
        body = '{"content": "Hi"}'
        head = f"POST /conversations/{conversation}/messages HTTP/1.1\r\nHost: x\r\n{AUTHORIZED}"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await reader.readuntil(b"One.")
        writer.write(b"\r\nGET /sta")
        await asyncio.sleep(3 * (SHORT.head_seconds + SHORT.body_seconds))
        gate.open()
        rest = await reader.read()
        assert b"event: done" in rest
        assert b"event: error" not in rest
        await goes_on(client, conversation, model_server)


async def send_much(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with more than the buffers of two sockets hold."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.mark.proves("bounds.unread")
async def test_a_client_that_reads_nothing_is_gone_in_the_end() -> None:
    async def serve(scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] == "http":
            await send_much(scope, receive, send)

    server = create_server(serve, log_level="critical", limits=SHORT)
    with bind("127.0.0.1", 0) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        _, writer = await asyncio.open_connection(*listening.getsockname())
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(SECONDS):
            while not server.server_state.tasks:  # noqa: ASYNC110  # there is no event to wait for
                await asyncio.sleep(0.01)
            while server.server_state.connections:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)
        writer.transport.abort()
        server.stop()
        await serving


@pytest.mark.proves("bounds.no-redirects")
@pytest.mark.parametrize("path", ["/conversations/", "/status/", "/conversations//", "//evil.example.com/..", "/"])
async def test_no_redirect_is_made_of_the_host(bounded: Service, path: str) -> None:
    sent = f"GET {path} HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n{AUTHORIZED}\r\n"
    response = await received(bounded, sent.encode())
    assert response.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert b"evil" not in response


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.proves("bounds.flood")
async def test_a_flood_of_half_requests_leaves_the_service_answering(service: Service) -> None:
    """The bounds are the real ones. Each connection sends a further byte every two seconds, for a minute at most."""
    kinds = [*(text.encode() for text in INCOMPLETE.values()), b""]
    async with service.client() as client:
        flood = [asyncio.create_task(_hold(service, kinds[number % len(kinds)])) for number in range(FLOOD)]
        asked = 0
        while not all(each.done() for each in flood):
            assert (await client.http.get("/status")).status_code == 200
            assert await client.list(limit=1) is not None
            asked += 1
            await asyncio.wait(flood, timeout=1)
        assert all([await each for each in flood])
        assert asked > 1


async def _hold(service: Service, start: bytes) -> bool:
    """Hold a connection as long as the service lets it; return whether the service has closed it."""
    async with connected(service) as (reader, writer):
        reading = asyncio.create_task(reader.read())
        writer.write(start)
        for _ in range(FLOOD_SECONDS // 2):
            await asyncio.wait({reading}, timeout=2)
            if reading.done():
                break
            writer.write(b"x")
        closed = reading.done()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)  # a byte too late makes the connection end with an error
        return closed
