"""The runtime loop starts, ends, is restored, and outlives lost connections."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

from shared.aws.runtime_loop import serve
from tests.support.lambda_events import function_url_event
from tests.support.runtime_api import SECONDS, runtime_api
from tests.support.runtime_apps import echo, http_only, looping, piece, start

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Living:
    """An application with a lifespan, which tells what it went through."""

    def __init__(self, *, fails: bool = False) -> None:
        self.told: list[str] = []
        self.fails = fails

    async def prepare(self) -> None:
        self.told.append("prepared")

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
async def test_sigterm_during_a_stream_lets_the_application_end_its_answer() -> None:
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
    async with looping(app, before_snapshot=app.prepare) as (api, _):
        async with asyncio.timeout(SECONDS):
            await api.asked_to_restore.wait()
        assert app.told == ["prepared"]
        state = random.getstate()
        api.may_restore.set()
        await api.invoke(function_url_event("GET", "/")).end()
        assert app.told == ["prepared", "startup", "request thing"]
        assert random.getstate() != state


@pytest.mark.proves("streaming.snapstart")
async def test_a_start_that_fails_after_the_restoring_is_a_restore_error() -> None:
    app = Living(fails=True)
    async with looping(app, before_snapshot=app.prepare) as (api, loop):
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
