"""The runtime loop: events become requests, and answers leave piece by piece."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.lambda_events import function_url_event, rest_api_event
from tests.support.runtime_api import SECONDS
from tests.support.runtime_apps import echo, http_only, looping, piece, start

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from shared.aws.runtime_loop import LambdaContext


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
    """The next piece is sent only after the one before has arrived."""
    steps = asyncio.Semaphore(0)

    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(20):
            await steps.acquire()
            await send(piece(b"<%d>" % number, more=number < 19))

    async with looping(http_only(respond)) as (api, _):
        answer = api.invoke(function_url_event("GET", "/"))
        for number in range(20):
            steps.release()
            await answer.until(b"<%d>" % number)
        await answer.end()
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
        assert not answer.has_ended
        may_end.set()
        await answer.end()


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
