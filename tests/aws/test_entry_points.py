"""Both entry points from the checkout, in processes of their own, with every feature switched on."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.lambda_chat import answer_of, question
from tests.support.lambda_events import function_url_event
from tests.support.lambda_functions import ROOT, Process, measured
from tests.support.model_server import reply, text, wait
from tests.support.runtime_api import runtime_api
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.model_server import ModelServer

BUFFERED = """
import json, sys, time
from dataclasses import dataclass

@dataclass
class Context:
    aws_request_id: str = "1"

    def get_remaining_time_in_millis(self):
        return 10_000

from functions.list_conversations import handler
for line in sys.stdin:
    print(json.dumps(handler(json.loads(line), Context())), flush=True)
"""


def environment(variables: dict[str, str], **more: str) -> dict[str, str]:
    return measured() | variables | more


@pytest.mark.proves("chat.same-as-uvicorn")
@pytest.mark.parametrize("initialization", ["on-demand", "snap-start"])
async def test_the_streaming_entry_with_reports_and_traces(
    function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer, initialization: str
) -> None:
    client = await new_client()
    variables = environment(
        function_variables,
        SENTRY_DSN="http://key@127.0.0.1:9/1",
        IMBI_ASSISTANT_TRACING="true",
        POWERTOOLS_TRACE_DISABLED="true",
        AWS_LAMBDA_INITIALIZATION_TYPE=initialization,
        _HANDLER="functions.send_message.handler",
    )
    gate = model_server.gate()
    model_server.script(reply(text("Hello.")), reply(text("One", wait(gate), "two")))
    async with runtime_api() as api:
        variables["AWS_LAMBDA_RUNTIME_API"] = api.address
        api.may_restore.set()
        with Process([sys.executable, "-m", "shared.aws.streaming"], variables, ROOT) as process:
            conversation_id = await client.begin()
            first = await api.invoke(question(client, conversation_id, "Hi.")).end()
            assert answer_of(first).text == "Hello."
            second = api.invoke(question(client, conversation_id, "Count."))
            await second.until(b"One")
            process.popen.terminate()
            await second.end()
            assert await process.ended() == 0
    gate.open()
    assert answer_of(second).error["retryable"] is True


@pytest.mark.proves("streaming.init-error")
async def test_the_streaming_entry_without_settings() -> None:
    async with runtime_api() as api:
        variables = environment({}, ENVIRONMENT="production", AWS_LAMBDA_RUNTIME_API=api.address)
        variables["_HANDLER"] = "functions.list_conversations.handler"
        with Process([sys.executable, "-m", "shared.aws.streaming"], variables, ROOT) as process:
            assert await process.ended() == 1
        assert "POSTGRES_URL is not set." in api.init_errors[0]["errorMessage"]


@pytest.mark.slow
@pytest.mark.proves("chat.init-error")
async def test_a_chat_whose_database_is_away_starts_all_the_same(function_variables: dict[str, str]) -> None:
    async with runtime_api() as api:
        variables = environment(
            function_variables,
            POSTGRES_URL="postgresql://postgres@127.0.0.1:9/postgres",
            AWS_LAMBDA_RUNTIME_API=api.address,
            _HANDLER="functions.status.handler",
        )
        with Process([sys.executable, "-m", "shared.aws.streaming"], variables, ROOT) as process:
            status = await api.invoke(function_url_event("GET", "/status")).end()
            assert status.json["status"] == "failing"
            process.popen.terminate()
            assert await process.ended() == 0
        assert api.init_errors == []


@pytest.mark.proves("package.buffered", "events.warm-up", "events.stage", "origin.options")
async def test_the_buffered_entry_answers_again_and_again(function_variables: dict[str, str]) -> None:
    good = {"authorization": f"Bearer {token_of(DEVELOPER)}"}
    events = [function_url_event("GET", "/conversations", headers=headers) for headers in (good, {}, good)]
    events.append(function_url_event("GET", "/prod/conversations", headers=good))
    events[-1]["requestContext"]["stage"] = "prod"
    events.append(function_url_event("HEAD", "/conversations", headers=good))
    paths = ("/conversations/1", "/conversations/1/stop", "/status", "/elsewhere")
    events.extend(function_url_event("OPTIONS", path) for path in paths)
    events.insert(0, {})
    lines = "".join(json.dumps(event) + "\n" for event in events)
    command = [sys.executable, "-c", f"import io, sys\nsys.stdin = io.StringIO({lines!r})\n{BUFFERED}"]
    with Process(command, environment(function_variables), ROOT) as process:
        assert await process.ended() == 0
        assert '{"warm": true}' in process.output.splitlines()
        answers = [json.loads(line) for line in process.output.splitlines() if '"statusCode"' in line]
    assert [answer["statusCode"] for answer in answers] == [200, 401, 200, 200, 200, 204, 204, 204, 404]
    assert [answer["body"] for answer in answers[4:8]] == [""] * 4
    assert [answer["headers"]["allow"] for answer in answers[5:8]] == [
        "GET, PATCH, DELETE, HEAD, OPTIONS",
        "POST, OPTIONS",
        "GET, HEAD, OPTIONS",
    ]
