"""Response bodies are read to their ends, whatever becomes of their consumer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest

from shared.util.response_bodies import ResponseBodies
from tests.support.model_http import HttpServer
from tests.support.model_steps import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.util.response_bodies import ResponseBody
    from tests.support.model_http import HttpRequest, Responder

SECONDS = 20
LONG = 10_000_000


class Server(HttpServer):
    """Sends two pieces, with a gate between them."""

    def __init__(self) -> None:
        super().__init__("bodies")
        self.gate = Gate()
        self.gate.open()
        self.rest = b"the rest"
        self.is_cut = False

    async def handle(self, http: HttpRequest, responder: Responder) -> None:  # noqa: ARG002  # the interface's
        await responder.start(200, {"transfer-encoding": "chunked"})
        await responder.write(b"begun, ")
        await self.gate.pass_through()
        if self.is_cut:
            responder.cut()
            return
        await responder.write(self.rest)
        await responder.finish()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=SECONDS) as client:
        yield client


@pytest.fixture
async def bodies() -> AsyncIterator[ResponseBodies]:
    opened = ResponseBodies()
    yield opened
    await opened.aclose()


async def begin(server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies) -> ResponseBody:
    request = http.build_request("GET", server.url)
    return bodies.open(await http.send(request, stream=True))


async def settled(bodies: ResponseBodies) -> None:
    if bodies.reading:
        await asyncio.wait(bodies.reading, timeout=SECONDS)
    assert not bodies.reading


async def test_a_body_is_given_whole(server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies) -> None:
    server.rest = bytes(range(256)) * (LONG // 256)
    body = await begin(server, http, bodies)
    assert b"".join([piece async for piece in body]) == b"begun, " + server.rest
    await settled(bodies)


async def test_a_short_rest_is_read_so_that_the_connection_serves_the_next_request(
    server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies
) -> None:
    for _ in range(3):
        server.gate = Gate()
        body = await begin(server, http, bodies)
        assert await anext(body) == b"begun, "
        body.release(SECONDS)
        server.gate.open()
        await settled(bodies)
    assert server.accepted == 1


async def test_a_cancelled_consumer_costs_no_connection(
    server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies
) -> None:
    for _ in range(3):
        server.gate = Gate()
        body = await begin(server, http, bodies)
        consuming = asyncio.ensure_future(_consume(body))
        await server.gate.reached()
        consuming.cancel()
        await asyncio.wait({consuming})
        assert consuming.cancelled()
        body.release(SECONDS)
        server.gate.open()
        await settled(bodies)
    assert server.accepted == 1


async def test_a_long_rest_is_not_read(server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies) -> None:
    server.rest = b"x" * LONG
    body = await begin(server, http, bodies)
    body.release(SECONDS)
    await settled(bodies)
    await begin(server, http, bodies)
    assert server.accepted == 2


async def test_a_rest_that_does_not_come_is_not_waited_for(
    server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies
) -> None:
    server.gate = Gate()
    body = await begin(server, http, bodies)
    assert await anext(body) == b"begun, "
    body.release(0.0)
    await settled(bodies)
    server.gate.open()


async def test_a_slow_consumer_slows_the_server(
    server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies
) -> None:
    server.rest = b"x" * LONG
    body = await begin(server, http, bodies)
    first = await anext(body)
    while len(first) < LONG // 5:
        first += await anext(body)
        assert body.unread < LONG
    assert first + b"".join([piece async for piece in body]) == b"begun, " + server.rest


async def test_a_cut_body_fails_at_its_consumer(
    server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies
) -> None:
    server.is_cut = True
    body = await begin(server, http, bodies)
    with pytest.raises(httpx2.RemoteProtocolError):
        await _consume(body)
    body.release(SECONDS)
    await settled(bodies)


async def test_closing_ends_every_reading(server: Server, http: httpx2.AsyncClient, bodies: ResponseBodies) -> None:
    server.gate = Gate()
    body = await begin(server, http, bodies)
    consuming = asyncio.ensure_future(_consume(body))
    await server.gate.reached()
    await bodies.aclose()
    await asyncio.wait({consuming}, timeout=SECONDS)
    assert consuming.done()
    server.gate.open()


async def _consume(body: ResponseBody) -> bytes:
    return b"".join([piece async for piece in body])
