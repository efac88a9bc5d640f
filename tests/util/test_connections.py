"""Connections are kept between requests, and stale ones fail no request that may be sent twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest

from shared.util.connections import ONE_CONNECTION, REPEATABLE, KeptConnections, proxy_for
from tests.support.clock import Clock
from tests.support.model_http import HttpServer
from tests.support.model_steps import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.model_http import HttpRequest, Responder

SECONDS = 20


class Server(HttpServer):
    """Answers with the request's number, and drops as many requests without an answer as a test wants."""

    def __init__(self) -> None:
        super().__init__("connections")
        self.drops = 0
        self.served: list[str] = []
        self.gate = Gate()
        self.gate.open()

    async def handle(self, http: HttpRequest, responder: Responder) -> None:
        if self.drops:
            self.drops -= 1
            responder.reset()
            return
        self.served.append(http.method)
        await responder.start(200, {"transfer-encoding": "chunked"})
        await responder.write(b"begun, ")
        await self.gate.pass_through()
        await responder.write(b"done")
        await responder.finish()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def client(wall: Clock | None = None, monotonic: Clock | None = None, most: int = 10) -> httpx2.AsyncClient:
    kept = KeptConnections(
        lambda: httpx2.AsyncHTTPTransport(limits=ONE_CONNECTION, trust_env=False),
        most,
        wall=wall or Clock(0.0),
        monotonic=monotonic or Clock(0.0),
    )
    return httpx2.AsyncClient(transport=kept, timeout=SECONDS)


async def test_requests_share_connections(server: Server) -> None:
    async with client() as http:
        for method in ("GET", "POST", "DELETE", "GET"):
            assert (await http.request(method, server.url)).text == "begun, done"
    assert server.accepted == 1


async def test_a_change_takes_no_connection_that_was_idle_for_long(server: Server) -> None:
    now = Clock(1000.0)
    async with client(now, now) as http:
        uses = [("GET", 0, 1), ("POST", 2, 1), ("POST", 4, 2), ("GET", 40, 2), ("GET", 60, 3)]
        for method, idle_seconds, accepted in uses:
            now.now += idle_seconds
            await http.request(method, server.url)
            assert server.accepted == accepted


async def test_the_connection_that_was_used_last_is_used_next(server: Server) -> None:
    now = Clock(1000.0)
    async with client(now, now) as http:
        await asyncio.gather(*(http.get(server.url) for _ in range(5)))
        now.now += 40
        for _ in range(4):
            await http.get(server.url)
        assert server.accepted == 5
        now.now += 20
        await asyncio.gather(http.get(server.url), http.get(server.url))
    assert server.accepted == 6, "only one connection was used in the last 50 seconds"


async def test_requests_wait_for_a_place_for_a_limited_time(server: Server) -> None:
    server.gate = Gate()
    async with client(most=1) as http, http.stream("GET", server.url) as running:
        await server.gate.reached()
        with pytest.raises(httpx2.PoolTimeout):
            await http.get(server.url, timeout=httpx2.Timeout(SECONDS, pool=0.01))
        waiting = asyncio.ensure_future(http.get(server.url))
        await asyncio.sleep(0)
        server.gate.open()
        await running.aread()
        assert (await waiting).is_success
    assert server.accepted == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_the_server_has_closed_is_not_used(server: Server, method: str) -> None:
    async with client() as http:
        for _ in range(3):
            assert (await http.request(method, server.url)).is_success
            server.close_connections()
        assert (await http.request(method, server.url)).is_success
    assert len(server.served) == 4


async def test_a_request_that_changes_nothing_is_sent_again_over_a_new_connection(server: Server) -> None:
    async with client() as http:
        await http.get(server.url)
        server.drops = 1
        assert (await http.get(server.url)).text == "begun, done"
        server.drops = 1
        again = await http.post(server.url, content=b"x", extensions={REPEATABLE: True})
        assert again.text == "begun, done"
    assert (server.accepted, server.drops) == (3, 0)


@pytest.mark.parametrize("extensions", [{}, {REPEATABLE: False}])
async def test_a_change_is_never_sent_twice(server: Server, extensions: dict[str, bool]) -> None:
    async with client() as http:
        await http.get(server.url)
        server.drops = 1
        with pytest.raises(httpx2.TransportError):
            await http.post(server.url, content=b"x", extensions=extensions)
        assert (await http.post(server.url, content=b"x")).is_success
    assert server.served == ["GET", "POST"]


async def test_a_failure_of_a_new_connection_is_told(server: Server) -> None:
    server.drops = 2
    async with client() as http:
        with pytest.raises(httpx2.TransportError):
            await http.get(server.url)
    assert server.drops == 1


async def test_connections_are_replaced_after_a_freeze(server: Server) -> None:
    wall = Clock(1000.0)
    async with client(wall) as http:
        await http.get(server.url)
        wall.now += 1.0
        await http.get(server.url)
        assert server.accepted == 1
        wall.now += 600.0
        await http.get(server.url)
        await http.get(server.url)
    assert server.accepted == 2


async def test_a_running_response_survives_the_replacement(server: Server) -> None:
    wall = Clock(1000.0)
    server.gate = Gate()
    async with client(wall) as http, http.stream("GET", server.url) as running:
        await server.gate.reached()
        wall.now += 600.0
        server.gate.open()
        await http.get(server.url)
        assert b"".join([piece async for piece in running.aiter_bytes()]) == b"begun, done"
    assert server.accepted == 2


@pytest.mark.parametrize(
    ("proxies", "proxy"),
    [
        ({}, None),
        ({"https": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https": "proxy:3128"}, "http://proxy:3128"),
        ({"all": "proxy:3128"}, "http://proxy:3128"),
        ({"http": "http://proxy:3128"}, None),
        ({"https": "http://proxy:3128", "no": "other.example.com"}, "http://proxy:3128"),
        ({"https": "http://proxy:3128", "no": "*"}, None),
        ({"https": "http://proxy:3128", "no": "a, api.example.com"}, None),
        ({"https": "http://proxy:3128", "no": ".example.com"}, None),
        ({"https": "http://proxy:3128", "no": "api.example.com:8443"}, None),
        ({"https": "http://proxy:3128", "no": "api.example.com:443"}, "http://proxy:3128"),
    ],
    ids=["none", "url", "bare", "all", "plain", "others", "star", "host", "domain", "port", "other-port"],
)
def test_the_environment_names_the_proxy_of_a_url(proxies: dict[str, str], proxy: str | None) -> None:
    assert proxy_for("https://api.example.com:8443/v1", proxies) == proxy
