"""The chat as it is deployed: the built package behind the streaming wrapper, a database, a scripted model."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.lambda_chat import answer_of, question
from tests.support.lambda_events import function_url_event
from tests.support.lambda_functions import streaming
from tests.support.model_server import reply, text, tool, wait
from tests.support.proxy import proxied_variables
from tests.support.runtime_api import RuntimeApiServer, runtime_api
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.lambda_functions import Artifacts, Process
    from tests.support.model_server import ModelServer
    from tests.support.runtime_api import Invocation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HANDLER = "functions.send_message.handler"
IDS = re.compile(rb'(id: [0-9a-f]+-|"message_id":"[^"]*"|"duration_ms":\d+|"toolu_[^"]*")')


@asynccontextmanager
async def chat(
    artifacts: Artifacts, variables: dict[str, str], handler: str = HANDLER
) -> AsyncIterator[tuple[RuntimeApiServer, Process]]:
    """Run the function until the block ends."""
    async with runtime_api() as api:
        with streaming(artifacts, "SendMessage", handler, api.address, variables) as process:
            await api.idle()
            yield api, process


def script(server: ModelServer) -> None:
    server.script(
        reply(text("Let me ", "look."), tool("list_projects", {"org_slug": "acme"})),
        reply(text("Grüße, ", "all of them.")),
    )
    server.script_titles(reply(text("All the projects")))


@pytest.mark.proves("chat.same-as-uvicorn")
@pytest.mark.parametrize("rest", [False, True], ids=["function url", "rest api"])
async def test_the_stream_is_byte_for_byte_that_of_uvicorn(
    artifacts: Artifacts,
    function_variables: dict[str, str],
    new_client: NewClient,
    model_server: ModelServer,
    *,
    rest: bool,
) -> None:
    client = await new_client()
    # The model's cache has it all by then, and counts for both in the same way.
    script(model_server)
    await client.ask(await client.begin(), "Which projects are there?")
    script(model_server)
    theirs = await client.post(await client.begin(), "Which projects are there?")
    script(model_server)
    async with chat(artifacts, function_variables) as (api, _):
        asked = question(client, await client.begin(), "Which projects are there?", rest=rest)
        ours = await api.invoke(asked).end()
    assert IDS.sub(b"...", ours.body) == IDS.sub(b"...", theirs.content)
    assert answer_of(ours).names[-2:] == ["done", "title_updated"]
    assert ours.prelude["statusCode"] == 200
    told = {name: ours.prelude["headers"][name] for name in ("content-type", "cache-control", "x-accel-buffering")}
    assert told == {name: theirs.headers[name] for name in told}
    assert ours.trailers == {}


@pytest.mark.proves("chat.same-as-uvicorn")
async def test_errors_before_a_stream_are_those_of_uvicorn(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient
) -> None:
    client = await new_client()
    unknown = "00000000-0000-4000-8000-000000000000"
    async with chat(artifacts, function_variables) as (api, _):
        for content, conversation_id in (("Hi", unknown), ("", await client.begin())):
            ours = await api.invoke(question(client, conversation_id, content)).end()
            theirs = await client.post(conversation_id, content)
            assert ours.prelude["statusCode"] == theirs.status_code
            assert ours.json == theirs.json()


@pytest.mark.proves("chat.at-once")
async def test_words_leave_while_the_model_is_still_speaking(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    gate = model_server.gate()
    model_server.script(reply(text("One", wait(gate), "two")))
    async with chat(artifacts, function_variables) as (api, process):
        conversation_id = await client.begin()
        answer = api.invoke(question(client, conversation_id, "Count."))
        await answer.until(b"One")
        assert b"two" not in answer.body
        gate.open()
        await answer.end()
        assert answer_of(answer).text == "Onetwo"
        await api.idle()
        logged = [json.loads(line) for line in process.output.splitlines() if line.startswith("{")]
    lines = [line for line in logged if str(line.get("message")).startswith("answered:")]
    assert [(line["request_id"], line["user"], line["conversation_id"]) for line in lines] == [
        (answer.id, client.email, conversation_id)
    ]
    assert lines[0]["xray_trace_id"] == answer.trace_id
    [metrics] = [line for line in logged if "_aws" in line]
    assert (metrics["Answers"], metrics["Failures"], metrics["Rounds"]) == ([1.0], [0.0], [0.0])
    assert metrics["TimeToFirstEvent"][0] > 0
    assert metrics["OutputTokens"][0] > 0


@pytest.mark.proves("chat.deadline")
async def test_an_answer_ends_itself_before_the_platform_does(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    gate = model_server.gate()
    model_server.script(reply(text("One", wait(gate), "two")))
    conversation_id = await client.begin()
    async with chat(artifacts, function_variables) as (api, _):
        answer = await api.invoke(question(client, conversation_id, "Count."), seconds=7).end()
        assert time.time() < answer.deadline
        gate.open()
        error = answer_of(answer).error
        assert (error["code"], error["retryable"]) == ("deadline", True)
        assert [message["content"] for message in await client.messages(conversation_id)] == ["Count.", "One"]
        model_server.script(reply(text("Three.")))
        again = await api.invoke(question(client, conversation_id, "Go on.")).end()
        assert answer_of(again).text == "Three."


@pytest.mark.proves("chat.slow-reader")
async def test_a_reader_that_rests_gets_all_of_it(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    pieces = [f"{number} " + "x" * 4000 for number in range(2500)]
    model_server.script(reply(text(*pieces)))
    async with chat(artifacts, function_variables) as (api, process):
        answer = api.invoke(question(client, await client.begin(), "Much."))
        await answer.until(b"event: text")
        answer.may_read.clear()
        before = memory_of(process)
        await until_still(process)
        assert memory_of(process) - before < 40_000_000
        answer.may_read.set()
        await answer.end()
    assert answer_of(answer).text == "".join(pieces)


@pytest.mark.proves("chat.thaw")
async def test_after_a_freeze_with_every_socket_dead_an_answer_comes_as_usual(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    conversation_id = await client.begin()
    upstreams = ("POSTGRES_URL", "ANTHROPIC_BASE_URL", "IMBI_INTERNAL_API_URL")
    with proxied_variables(function_variables, *upstreams) as (variables, proxies):
        async with chat(artifacts, variables) as (api, process):
            for _ in range(4):
                script(model_server)
                answer = api.invoke(question(client, conversation_id, "Which projects are there?"))
                await answer.end()
                assert answer_of(answer).end.name == "done"
                await api.idle()
                process.freeze()
                assert sum(proxy.reset() for proxy in proxies) > 0
                process.thaw()


@pytest.mark.proves("chat.killed")
async def test_a_conversation_goes_on_after_its_environment_was_killed(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    gate = model_server.gate()
    model_server.script(reply(text("One", wait(gate), "two")))
    conversation_id = await client.begin()
    async with chat(artifacts, function_variables) as (api, process):
        answer = api.invoke(question(client, conversation_id, "Count."))
        await answer.until(b"One")
        process.popen.kill()
        await answer.end()
        assert answer.is_broken
    gate.open()
    model_server.script(reply(text("Three.")))
    async with chat(artifacts, function_variables) as (api, _):
        again = await until_free(api, client, conversation_id)
    assert answer_of(again).text == "Three."


@pytest.mark.proves("chat.sigterm")
async def test_sigterm_ends_an_answer_with_an_error_and_stores_it(
    artifacts: Artifacts, function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    gate = model_server.gate()
    model_server.script(reply(text("One", wait(gate), "two")))
    conversation_id = await client.begin()
    async with chat(artifacts, function_variables) as (api, process):
        answer = api.invoke(question(client, conversation_id, "Count."))
        await answer.until(b"One")
        process.popen.terminate()
        await answer.end()
        assert await process.ended() == 0
    gate.open()
    assert answer_of(answer).error["retryable"] is True
    assert [message["content"] for message in await client.messages(conversation_id)] == ["Count.", "One"]


@pytest.mark.proves("chat.init-error")
async def test_settings_that_are_missing_are_an_init_error_that_names_them(artifacts: Artifacts) -> None:
    async with runtime_api() as api:
        with streaming(artifacts, "SendMessage", HANDLER, api.address, {"ENVIRONMENT": "production"}) as process:
            assert await process.ended() == 1
        [error] = api.init_errors
    assert "POSTGRES_URL is not set." in error["errorMessage"]


@pytest.mark.proves("chat.plain-routes")
async def test_a_plain_route_can_be_served_by_the_wrapper_too(
    artifacts: Artifacts, function_variables: dict[str, str]
) -> None:
    async with runtime_api() as api:
        with streaming(
            artifacts, "ListConversations", "functions.list_conversations.handler", api.address, function_variables
        ):
            headers = {"authorization": f"Bearer {token_of(DEVELOPER)}"}
            listed = await api.invoke(function_url_event("GET", "/conversations", headers=headers)).end()
    assert listed.prelude["statusCode"] == 200
    assert isinstance(listed.json, list)


async def until_free(api: RuntimeApiServer, client: Client, conversation_id: str) -> Invocation:
    """Ask until the killed answer's lease has run out; only a conversation that is busy is asked again."""
    async with asyncio.timeout(60):
        while True:
            answer = await api.invoke(question(client, conversation_id, "Go on.")).end()
            if answer.prelude["statusCode"] != 409:
                return answer


def memory_of(process: Process) -> int:
    """Return the resident memory in bytes."""
    with open(f"/proc/{process.popen.pid}/statm", encoding="ascii") as statm:  # noqa: PTH123  # a file of the kernel
        return int(statm.read().split()[1]) * 4096


async def until_still(process: Process) -> None:
    """Wait until a process has stopped working, which shows in the processor time that it uses."""

    def used() -> Any:
        with open(f"/proc/{process.popen.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123  # a file of the kernel
            return stat.read().split()[13:15]

    async with asyncio.timeout(60):
        while True:
            before = used()
            await asyncio.sleep(0.5)
            if used() == before:
                return
