"""The runtime loop against a Runtime API on a real socket, with applications of the tests' own."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from shared.aws.runtime_loop import LambdaContext, serve
from tests.support.lambda_events import function_url_event, rest_api_event
from tests.support.runtime_api import SECONDS, RuntimeApiServer, runtime_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FIRST_CHUNK_SECONDS = 0.010
Respond = "Callable[[Scope, Receive, Send], Awaitable[None]]"


def http_only(respond: Callable[[Scope, Receive, Send], Awaitable[None]]) -> ASGIApp:
    """Make an application without a lifespan."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await respond(scope, receive, send)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@asynccontextmanager
async def looping(app: ASGIApp, **options: Any) -> AsyncIterator[tuple[RuntimeApiServer, asyncio.Task[int]]]:
    """Run the loop until the block ends, then stop it as the platform does."""
    async with runtime_api() as api:
        loop = asyncio.create_task(serve(lambda: app, api.address, **options))
        try:
            yield api, loop
        finally:
            if not loop.done():
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.wait({loop}, timeout=SECONDS)
            assert loop.done()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what arrived."""
    request = await receive()
    told = [
        scope["method"],
        scope["path"],
        scope["query_string"].decode(),
        scope["client"][0],
        request["body"].decode(),
    ]
    headers = sorted(f"{name.decode()}={value.decode()}" for name, value in scope["headers"])
    await send(start(201, (b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")))
    await send(piece("|".join([*told, *headers]).encode(), more=False))


@pytest.mark.proves("streaming.payloads")
async def test_a_function_url_event_arrives_as_a_request() -> None:
    async with looping(http_only(echo)) as (api, _):
        event = function_url_event(
            "POST",
            "/conversations/%C3%A4",
            query="a=1&a=%20",
            headers={"x-y": "z"},
            cookies=["k=v", "l=w"],
            body="grüß",
        )
        answer = await api.invoke(event).end()
    assert answer.prelude == {"statusCode": 201, "headers": {"content-type": "text/plain"}, "cookies": ["a=1", "b=2"]}
    told = answer.body.decode().split("|")
    assert told[:5] == ["POST", "/conversations/ä", "a=1&a=%20", "203.0.113.7", "grüß"]
    assert {"cookie=k=v; l=w", "x-y=z"} <= set(told)


@pytest.mark.proves("streaming.payloads")
async def test_a_rest_api_event_arrives_as_a_request() -> None:
    async with looping(http_only(echo)) as (api, _):
        event = rest_api_event(
            "PATCH", "/a", query="q=1&q=a%26b", headers={"Authorization": "Bearer t"}, body=b"\xc3\xa4"
        )
        answer = await api.invoke(event).end()
    assert answer.prelude["multiValueHeaders"] == {"set-cookie": ["a=1", "b=2"]}
    told = answer.body.decode().split("|")
    assert told[:5] == ["PATCH", "/a", "q=1&q=a%26b", "203.0.113.7", "ä"]
    assert "authorization=Bearer t" in told


@pytest.mark.proves("streaming.protocol")
async def test_an_answer_is_sent_as_the_platform_wants_it() -> None:
    async with looping(http_only(echo)) as (api, _):
        answer = await api.invoke(function_url_event("GET", "/")).end()
    assert answer.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert answer.headers["trailer"] == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
    assert answer.headers["lambda-runtime-invocation-id"] == f"invocation-of-{answer.id}"
    assert answer.trailers == {}


@pytest.mark.proves("streaming.at-once")
async def test_each_piece_leaves_when_it_is_sent() -> None:
    sent: list[float] = []
    steps = asyncio.Semaphore(0)

    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(20):
            await steps.acquire()
            sent.append(time.perf_counter())
            await send(piece(b"<%d>" % number, more=number < 19))

    async with looping(http_only(respond)) as (api, _):
        answer = api.invoke(function_url_event("GET", "/"))
        came = []
        for number in range(20):
            steps.release()
            came.append(await answer.until(b"<%d>" % number))
        await answer.end()
    delays = sorted(arrived - left for left, arrived in zip(sent, came, strict=True))
    assert delays[len(delays) // 2] < FIRST_CHUNK_SECONDS
    assert len(answer.chunks) == 21


@pytest.mark.proves("streaming.slow-reader")
async def test_a_slow_reader_makes_the_application_wait() -> None:
    sent = 0
    is_waiting = asyncio.Event()

    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(start())
        for _ in range(1000):
            sending = asyncio.ensure_future(send(piece(bytes(16_384))))
            done, _ = await asyncio.wait({sending}, timeout=0.5)
            if not done:
                is_waiting.set()
            await sending
            sent += 1
        await send(piece(b"", more=False))

    async with looping(http_only(respond)) as (api, _):
        answer = api.invoke(function_url_event("GET", "/"))
        answer.may_read.clear()
        async with asyncio.timeout(SECONDS):
            await is_waiting.wait()
        # What has left is in the sockets' buffers; the rest is where it was.
        assert sent * 16_384 < 8_000_000
        answer.may_read.set()
        await answer.end()
    assert len(answer.body) == 1000 * 16_384


@pytest.mark.proves("streaming.error-before")
async def test_an_exception_before_the_answer_is_the_invocations_error() -> None:
    async def respond(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise KeyError("missing")

    async with looping(http_only(respond)) as (api, _):
        failed = await api.invoke(function_url_event("GET", "/")).end()
        assert failed.error is not None
        assert failed.error["errorMessage"] == "'missing'"
        assert failed.error["type in header"] == failed.error["errorType"] == "Runtime.KeyError"
        assert "respond" in "".join(failed.error["stackTrace"])
        assert failed.headers["lambda-runtime-invocation-id"] == f"invocation-of-{failed.id}"
        again = await api.invoke(function_url_event("GET", "/")).end()
    assert again.error is not None


@pytest.mark.proves("streaming.error-before")
async def test_no_answer_at_all_is_an_error() -> None:
    async def respond(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    async with looping(http_only(respond)) as (api, _):
        failed = await api.invoke(function_url_event("GET", "/")).end()
    assert failed.error is not None
    assert failed.error["errorMessage"] == "the application sent no response"


@pytest.mark.proves("streaming.error-before")
@pytest.mark.parametrize("event", [{}, [], 7, {"httpMethod": "GET"}, {"version": "2.0", "requestContext": {}}])
async def test_an_event_that_is_no_request_is_an_error_and_no_end(event: Any) -> None:
    async with looping(http_only(echo)) as (api, _):
        failed = await api.invoke(event).end()
        assert failed.error is not None
        assert failed.error["errorType"] == "Runtime.ValueError"
        assert (await api.invoke(function_url_event("GET", "/")).end()).prelude["statusCode"] == 201


def deep(levels: int) -> None:
    if levels == 0:
        raise RuntimeError("x" * 10_000)
    deep(levels - 1)


@pytest.mark.proves("streaming.error-in-stream")
async def test_an_exception_in_mid_stream_goes_into_short_trailers() -> None:
    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"half"))
        deep(200)

    async with looping(http_only(respond)) as (api, _):
        answer = await api.invoke(function_url_event("GET", "/")).end()
    assert answer.body == b"half"
    assert answer.trailers["lambda-runtime-function-error-type"] == "Runtime.RuntimeError"
    assert answer.trailer_bytes < 4096
    assert answer.trailed_error["errorMessage"].startswith("xxx")
    assert answer.trailed_error["stackTrace"]


@pytest.mark.proves("streaming.error-in-stream")
async def test_an_answer_that_stops_without_its_end_is_told() -> None:
    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"half"))

    async with looping(http_only(respond)) as (api, _):
        answer = await api.invoke(function_url_event("GET", "/")).end()
    assert answer.trailed_error["errorMessage"] == "the response is incomplete"


@pytest.mark.proves("streaming.background")
async def test_background_work_ends_before_the_answer() -> None:
    may_end = asyncio.Event()

    async def respond(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start())
        await send(piece(b"all", more=False))
        assert (await receive())["type"] == "http.disconnect"
        await may_end.wait()

    async with looping(http_only(respond)) as (api, _):
        answer = api.invoke(function_url_event("GET", "/"))
        await answer.until(b"all")
        assert not answer.ended.is_set()
        may_end.set()
        await answer.end()


@pytest.mark.proves("streaming.background")
async def test_a_failure_after_a_whole_answer_leaves_it_whole() -> None:
    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"all", more=False))
        raise RuntimeError

    async with looping(http_only(respond)) as (api, _):
        answer = await api.invoke(function_url_event("GET", "/")).end()
    assert (answer.body, answer.trailers) == (b"all", {})


@pytest.mark.proves("streaming.deadline")
async def test_the_deadline_is_handed_on() -> None:
    seen: list[LambdaContext] = []

    async def respond(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(scope["aws.context"])
        assert 0 < scope["aws.context"].get_remaining_time_in_millis() <= 7000
        await send(start())
        await send(piece(b"", more=False))

    told: list[LambdaContext] = []
    async with looping(http_only(respond), on_invocation=told.append) as (api, _):
        answer = await api.invoke(function_url_event("GET", "/"), seconds=7).end()
    assert seen == told
    assert abs(seen[0].deadline - answer.deadline) < 0.002
    assert seen[0].aws_request_id == answer.id
    assert seen[0].trace_id.startswith("Root=1-")


class Living:
    """An application with a lifespan, which tells what it went through."""

    def __init__(self, *, fails: bool = False) -> None:
        self.told: list[str] = []
        self.fails = fails

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.told.append(f"request {scope['state']['shared']}")
            await send(start())
            await send(piece(b"", more=False))
            return
        await receive()
        self.told.append("startup")
        if self.fails:
            await send({"type": "lifespan.startup.failed", "message": "POSTGRES_URL is not set."})
            return
        scope["state"]["shared"] = "thing"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.told.append("shutdown")
        await send({"type": "lifespan.shutdown.complete"})


@pytest.mark.proves("streaming.lifespan")
async def test_the_lifespan_runs_once() -> None:
    app = Living()
    async with looping(app) as (api, loop):
        for _ in range(3):
            await api.invoke(function_url_event("GET", "/")).end()
        await api.idle()
        assert app.told == ["startup", *["request thing"] * 3]
        os.kill(os.getpid(), signal.SIGTERM)
        assert await loop == 0
    assert app.told[-1] == "shutdown"


@pytest.mark.proves("streaming.init-error")
async def test_an_application_that_cannot_start_is_an_init_error() -> None:
    async with looping(Living(fails=True)) as (api, loop):
        assert await loop == 1
        assert [error["errorMessage"] for error in api.init_errors] == ["POSTGRES_URL is not set."]


@pytest.mark.proves("streaming.init-error")
async def test_an_application_that_cannot_be_loaded_is_an_init_error() -> None:
    def load() -> ASGIApp:
        raise ModuleNotFoundError("functions.nothing")

    async with runtime_api() as api:
        assert await serve(load, api.address) == 1
        assert [error["type in header"] for error in api.init_errors] == ["Runtime.ModuleNotFoundError"]


@pytest.mark.proves("streaming.sigterm")
async def test_sigterm_in_mid_stream_lets_the_application_end_its_answer() -> None:
    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"half"))
        try:
            await asyncio.Event().wait()
        finally:
            await send(piece(b", stored", more=False))

    async with looping(http_only(respond)) as (api, loop):
        answer = api.invoke(function_url_event("GET", "/"))
        await answer.until(b"half")
        os.kill(os.getpid(), signal.SIGTERM)
        await answer.end()
        assert await loop == 0
    assert (answer.body, answer.trailers) == (b"half, stored", {})


@pytest.mark.proves("streaming.snapstart")
async def test_with_snapstart_the_application_starts_up_after_the_restoring() -> None:
    app = Living()
    async with looping(app, is_snap_start=True) as (api, _):
        async with asyncio.timeout(SECONDS):
            await api.asked_to_restore.wait()
        assert app.told == []
        api.may_restore.set()
        await api.invoke(function_url_event("GET", "/")).end()
        assert app.told == ["startup", "request thing"]


@pytest.mark.proves("streaming.snapstart")
async def test_a_start_that_fails_after_the_restoring_is_a_restore_error() -> None:
    async with looping(Living(fails=True), is_snap_start=True) as (api, loop):
        api.may_restore.set()
        assert await loop == 1
        assert len(api.restore_errors) == 1
        assert api.init_errors == []


@pytest.mark.proves("streaming.api-lost")
async def test_an_invocation_that_is_gone_and_a_dropped_connection_are_no_end() -> None:
    async with looping(http_only(echo)) as (api, _):
        await api.idle()
        api.next_status = [410, 410]
        assert (await api.invoke(function_url_event("GET", "/")).end()).prelude["statusCode"] == 201
        assert (await api.invoke(function_url_event("GET", "/")).end()).prelude["statusCode"] == 201
        assert api.next_status == []


@pytest.mark.proves("streaming.api-lost")
async def test_a_dropped_connection_is_made_again() -> None:
    async with runtime_api() as api:
        api.connections_to_drop = 2
        loop = asyncio.create_task(serve(lambda: http_only(echo), api.address))
        assert (await api.invoke(function_url_event("GET", "/")).end()).prelude["statusCode"] == 201
        await api.idle()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await loop == 0


@pytest.mark.proves("streaming.api-lost")
async def test_a_runtime_api_that_is_lost_ends_the_process() -> None:
    app = Living()
    async with looping(app) as (api, loop):
        await api.idle()
        await api.lose()
        assert await loop == 1
    assert app.told[-1] == "shutdown"


@pytest.mark.proves("streaming.api-lost")
async def test_a_runtime_api_that_fails_ends_the_process() -> None:
    async with looping(http_only(echo)) as (api, loop):
        await api.idle()
        api.next_status = [500]
        await api.invoke(function_url_event("GET", "/")).end()
        assert await loop == 1


@pytest.mark.proves("streaming.not-taken")
async def test_an_answer_that_is_not_taken_any_more_ends_the_request() -> None:
    seen: list[str] = []

    async def respond(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start())
        await send(piece(b"one"))
        seen.append((await receive())["type"])
        with pytest.raises(OSError, match="accepts no more"):
            await send(piece(b"two"))
        seen.append("told")

    async with looping(http_only(respond)) as (api, _):
        await api.invoke(function_url_event("GET", "/"), refuse_after=1).end()
        await api.idle()
    assert seen == ["http.disconnect", "told"]
