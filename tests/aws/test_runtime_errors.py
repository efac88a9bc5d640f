"""The runtime loop reports errors of the application before and in the middle of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lambda_events import function_url_event
from tests.support.runtime_apps import http_only, looping, piece, start

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


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
async def test_a_failure_after_a_whole_answer_leaves_it_whole() -> None:
    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"all", more=False))
        raise RuntimeError

    async with looping(http_only(respond)) as (api, _):
        answer = await api.invoke(function_url_event("GET", "/")).end()
    assert (answer.body, answer.trailers) == (b"all", {})
