"""The runtime loop with several invocations at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from secrets import token_hex
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from fastapi import APIRouter

from shared.aws.application import LambdaApplication
from shared.aws.secrets import MAX_AGE, Secrets
from shared.chat.followers import AnswerGone
from shared.graph.frames import Place
from shared.http.dependencies import CurrentServices  # noqa: TC001  # FastAPI reads the annotation
from tests.support.clock import Clock
from tests.support.lambda_events import function_url_event
from tests.support.runtime_api import SECONDS
from tests.support.runtime_apps import http_only, looping, piece, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

    from tests.support.database import Database

MANY = 8


class Meeting:
    """An application whose requests wait for one another, and say who they are."""

    def __init__(self, size: int) -> None:
        self.most = 0
        self._running = 0
        self._barrier = asyncio.Barrier(size)

    async def respond(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self._running += 1
        self.most = max(self.most, self._running)
        name = scope["path"].encode()
        await send(start())
        await send(piece(b"in " + name))
        await self._barrier.wait()
        await send(piece(b", out " + name, more=False))
        self._running -= 1


@pytest.mark.proves("streaming.concurrency")
async def test_as_many_invocations_run_at_a_time_as_the_platform_says() -> None:
    meeting = Meeting(MANY)
    async with looping(http_only(meeting.respond), concurrency=MANY) as (api, _):
        answers = [api.invoke(function_url_event("GET", f"/{number}")) for number in range(2 * MANY)]
        for answer in answers:
            await answer.end()
    assert meeting.most == MANY
    assert [each.body for each in answers] == [b"in /%d, out /%d" % (number, number) for number in range(2 * MANY)]


@pytest.mark.proves("streaming.concurrency")
async def test_without_a_word_of_the_platform_one_invocation_runs_at_a_time() -> None:
    meeting = Meeting(1)
    async with looping(http_only(meeting.respond)) as (api, _):
        for answer in [api.invoke(function_url_event("GET", f"/{number}")) for number in range(4)]:
            await answer.end()
    assert meeting.most == 1


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """Undo the set-up of logging by an application in this process."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


class OneSecret:
    """A store with one secret."""

    def __init__(self) -> None:
        self.value = token_hex(32)

    def secret(self, _name: str) -> str:
        return self.value

    def parameter(self, _name: str) -> str:
        return self.value


@pytest.mark.proves("streaming.concurrency", "secrets.age")
@pytest.mark.usefixtures("logging_kept")
async def test_a_request_that_runs_while_a_secret_changes_keeps_its_connections(database: Database) -> None:
    reached, router = asyncio.Event(), APIRouter()

    @router.get("/{name}")
    async def look(name: str, services: CurrentServices) -> str:
        """Follow an answer that there is not; closing the services ends this with another error."""
        if name == "waits":
            reached.set()
            with pytest.raises(AnswerGone):
                await anext(services.followers.follow(Place("nobody", uuid4(), 0)))
        return name

    store, clock = OneSecret(), Clock()
    variables = {
        "POSTGRES_URL": database.dsn,
        "POSTGRES_GRAPH_NAME": database.graph_name,
        "IMBI_AUTH_JWT_SECRET_SECRET_ARN": "jwt",
        MAX_AGE: "60",
    }
    app = LambdaApplication(router, secrets=Secrets(variables, lambda: store, clock))
    async with looping(app, concurrency=2) as (api, _):
        waiting = api.invoke(function_url_event("GET", "/waits"))
        await reached.wait()
        store.value = token_hex(32)
        clock.now += 60
        assert (await api.invoke(function_url_event("GET", "/other")).end()).json == "other"
        assert (await waiting.end()).json == "waits"


@pytest.mark.proves("streaming.concurrency", "streaming.sigterm")
async def test_all_running_invocations_end_when_the_environment_does() -> None:
    meeting = Meeting(MANY)
    async with looping(http_only(meeting.respond), concurrency=MANY) as (api, loop):
        answers = [api.invoke(function_url_event("GET", "/")) for _ in range(MANY - 1)]
        for answer in answers:
            await answer.until(b"in")
        os.kill(os.getpid(), signal.SIGTERM)
        for answer in answers:
            await answer.end()
        async with asyncio.timeout(SECONDS):
            assert await loop == 0
    assert {answer.trailed_error["errorType"] for answer in answers} == {"Runtime.CancelledError"}
