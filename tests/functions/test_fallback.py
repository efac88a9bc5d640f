"""The fallback model, and what users learn of a busy model without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import error, http_error, reply, text, tool

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.model_server import HttpError, ModelServer

MODEL, FALLBACK = "claude-sonnet-5-5", "claude-opus-5-5"


def busy(status: int = 529, kind: str = "overloaded_error") -> HttpError:
    return http_error(status, kind, "Overloaded", retry_after="30")


@pytest.mark.proves("fallback.busy")
@pytest.mark.parametrize(("status", "kind"), [(529, "overloaded_error"), (429, "rate_limit_error")])
async def test_an_answer_that_has_not_begun_goes_to_the_fallback_model(
    start_service: StartService, model_server: ModelServer, status: int, kind: str
) -> None:
    service = start_service(IMBI_ASSISTANT_FALLBACK_MODEL=FALLBACK)
    async with service.client() as client:
        conversation = await client.begin(model=MODEL)
        model_server.script(busy(status, kind), reply(tool("no_such_tool")), reply(text("Hello")), reply(text("Again")))
        answer = await client.ask(conversation, "Hi")
        assert (answer.text, bool(answer.done)) == ("Hello", True)
        assert (await client.ask(conversation, "And now?")).text == "Again"
        models = [request.body["model"] for request in model_server.chats]
        assert models == [MODEL, FALLBACK, FALLBACK, MODEL]


@pytest.mark.proves("fallback.used-up")
@pytest.mark.parametrize("remaining", ["0", "1"], ids=["used up", "something left"])
async def test_a_model_of_which_nothing_is_left_is_not_asked_first(
    start_service: StartService, model_server: ModelServer, remaining: str
) -> None:
    service = start_service(IMBI_ASSISTANT_FALLBACK_MODEL=FALLBACK)
    async with service.client() as client:
        conversation = await client.begin(model=MODEL)
        model_server.headers = limits(remaining, 40)
        model_server.script(reply(text("First.")))
        assert (await client.ask(conversation, "What is left?")).done
        model_server.headers = {}
        model_server.script(reply(tool("no_such_tool")), reply(text("Second.")))
        assert (await client.ask(conversation, "And now?")).text == "Second."
    asked = [request.body["model"] for request in model_server.chats]
    assert asked == [MODEL, *([FALLBACK] * 2 if remaining == "0" else [MODEL] * 2)]


@pytest.mark.proves("fallback.used-up")
async def test_an_answer_that_has_begun_is_not_refused_for_what_was_left(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_FALLBACK_MODEL=FALLBACK)
    async with service.client() as client:
        conversation = await client.begin(model=MODEL)
        model_server.headers = limits("0", 40)
        model_server.script(reply(tool("no_such_tool")), reply(text("All the same.")))
        assert (await client.ask(conversation, "Go on")).text == "All the same."
        assert {request.body["model"] for request in model_server.chats} == {MODEL}


def limits(remaining: str, seconds: float) -> dict[str, str]:
    reset = datetime.now(UTC) + timedelta(seconds=seconds)
    values = {"limit": "50", "remaining": remaining, "reset": reset.isoformat().replace("+00:00", "Z")}
    return {f"anthropic-ratelimit-requests-{part}": value for part, value in values.items()}


@pytest.mark.proves("fallback.begun")
async def test_an_answer_that_has_begun_stays_with_its_model(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_FALLBACK_MODEL=FALLBACK)
    async with service.client() as client:
        conversation = await client.begin(model=MODEL)
        model_server.script(reply(tool("no_such_tool")), busy())
        assert (await client.ask(conversation, "Hi")).error
        model_server.script(reply(text("Half an "), error("overloaded_error")))
        assert (await client.ask(conversation, "And now?")).error
        assert {request.body["model"] for request in model_server.chats} == {MODEL}


@pytest.mark.proves("fallback.unsuitable", "fallback.wait")
async def test_a_model_that_cannot_read_the_history_is_not_asked(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_FALLBACK_MODEL="another-model")
    async with service.client() as client:
        await check_told(client, await client.begin(model=MODEL), model_server)
        assert {request.body["model"] for request in model_server.chats} == {MODEL}


@pytest.mark.proves("fallback.wait")
async def test_without_a_fallback_the_user_learns_how_long_to_wait(
    start_service: StartService, model_server: ModelServer
) -> None:
    service = start_service(IMBI_ASSISTANT_MODEL_IDLE_SECONDS="20")
    async with service.client() as client:
        await check_told(client, await client.begin(model=MODEL), model_server)


@pytest.mark.proves("fallback.short-wait")
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_short_wait_is_waited_for_in_both_forms(client: Client, model_server: ModelServer, form: str) -> None:
    wait = "0.05" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    conversation = await client.begin(model=MODEL)
    model_server.script(http_error(529, "overloaded_error", "Overloaded", retry_after=wait), reply(text("Now.")))
    assert (await client.ask(conversation, f"Wait for {form}")).text == "Now."


@pytest.mark.proves("fallback.wait")
@pytest.mark.parametrize("status", [429, 503, 529])
async def test_a_long_wait_is_told_at_once_whatever_its_form(
    client: Client, model_server: ModelServer, status: int
) -> None:
    ends_at = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    conversation = await client.begin(model=MODEL)
    model_server.script(http_error(status, "overloaded_error", "Overloaded", retry_after=ends_at))
    answer = await client.ask(conversation, f"How long after {status}?")
    assert answer.error is not None
    assert 100 < answer.error["retry_after"] <= 120


async def check_told(client: Client, conversation: str, model_server: ModelServer) -> None:
    model_server.script(busy(429, "rate_limit_error"))
    answer = await client.ask(conversation, "Hi")
    assert answer.error is not None
    assert answer.error["retryable"] is True
    assert answer.error["message"].endswith("Please try again in 30 seconds.")
    assert answer.error["retry_after"] == 30
