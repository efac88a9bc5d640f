"""The local Lambda service with small functions: requests, failures, frozen environments and their number."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.lambdas.functions import functions, unused
from tests.support.aftermath import until
from tests.support.sam_template import routes as deployed
from tests.support.stub_functions import serving, stub

if TYPE_CHECKING:
    import httpx2

LOCAL = {
    "ENVIRONMENT": "development",
    "POSTGRES_URL": "postgresql://here",
    "IMBI_AUTH_JWT_SECRET": "a secret",
    "IMBI_CONFIG_ENCRYPTION_KEY": "a key",
    "ANTHROPIC_API_KEY": "the model's key",
    "ANTHROPIC_BASE_URL": "http://model",
    "IMBI_INTERNAL_API_URL": "http://api",
}


def state_of(pid: int) -> str:
    """Return the state of a process: S for one that sleeps, T for one that is stopped."""
    status = Path(f"/proc/{pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0]


async def pid_of(response: httpx2.Response) -> int:
    return int(response.json()["pid"])


@pytest.mark.proves("lambda-local.functions")
def test_a_function_has_the_variables_that_the_template_gives_it() -> None:
    known = {each.name: each for each in functions(LOCAL)}
    assert {name: each.handler for name, each in known.items()} == deployed()
    chat, plain, status = known["SendMessage"], known["GetConversation"], known["Status"]
    assert chat.variables.items() >= LOCAL.items()
    assert (chat.timeout_seconds, chat.streams, plain.streams) == (600.0, True, False)
    assert plain.variables["IMBI_AUTH_JWT_SECRET"] == "a secret"
    assert "ANTHROPIC_API_KEY" not in plain.variables
    assert "IMBI_AUTH_JWT_SECRET" not in status.variables
    assert known["CreateConversation"].variables["IMBI_ASSISTANT_ENABLED"] == "true"
    without_key = functions({name: value for name, value in LOCAL.items() if name != "ANTHROPIC_API_KEY"})
    [create] = [each for each in without_key if each.name == "CreateConversation"]
    assert create.variables["IMBI_ASSISTANT_ENABLED"] == "false"
    for each in known.values():
        assert not any(name.endswith(("_PARAMETER", "_SECRET_ARN")) for name in each.variables)


@pytest.mark.proves("lambda-local.functions")
def test_a_variable_that_no_function_gets_is_named() -> None:
    assert unused({**LOCAL, "IMBI_ASSISTANT_RETENTION_DAYS": "3"}, functions(LOCAL)) == [
        "IMBI_ASSISTANT_RETENTION_DAYS"
    ]


@pytest.mark.proves("lambda-local.requests")
async def test_a_request_becomes_an_event_of_a_function_url(tmp_path: Path) -> None:
    async with serving(tmp_path, [stub("echo", IMBI_X="y"), stub("binary"), stub("bare")]) as http:
        headers = {"X-Name": "value", "Cookie": "c=1; d=2"}
        response = await http.post("/echo/a%20b?q=1&q=%C3%A4", headers=headers, content="grüß")
        assert (response.status_code, response.headers["x-made"]) == (201, "here")
        assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
        told = response.json()
        event, request = told["event"], told["event"]["requestContext"]["http"]
        assert (event["rawPath"], event["rawQueryString"]) == ("/assistant/echo/a%20b", "q=1&q=%C3%A4")
        assert (event["headers"]["x-name"], event["cookies"], event["body"]) == ("value", ["c=1", "d=2"], "grüß")
        assert (request["method"], request["sourceIp"]) == ("POST", "127.0.0.1")
        assert told["variables"]["IMBI_X"] == "y"
        assert 0 < told["seconds"] <= 30
        assert (await http.post("/binary/1", content=b"\xff")).content == b"\x00\xff"
        assert (await http.post("/bare/1")).json() == {"warm": True}
        assert (await http.options("/echo/1")).status_code == 201
        for method, path in (("GET", "/echo/1"), ("POST", "/echo/"), ("POST", "/other"), ("POST", "/echo/1/2")):
            assert (await http.request(method, path)).status_code == 404
        assert (await http.post("/echo/1", content=bytes(6 * 1024 * 1024 + 1))).status_code == 413


@pytest.mark.proves("lambda-local.requests")
async def test_a_request_becomes_an_event_of_a_rest_api(tmp_path: Path) -> None:
    async with serving(tmp_path, [stub("echo")], payload="1.0") as http:
        event = (await http.post("/echo/a%20b?q=1&q=%C3%A4", content=b"\xff\xfe")).json()["event"]
    assert (event["httpMethod"], event["path"]) == ("POST", "/assistant/echo/a b")
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "ä"]}
    assert (event["body"], event["isBase64Encoded"]) == ("//4=", True)


@pytest.mark.proves("lambda-local.failures")
async def test_a_function_that_fails_gets_502_and_the_next_request_an_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known = [stub("fail"), stub("leave"), stub("sleep", seconds=0.3), stub("large"), stub("echo")]
    async with serving(tmp_path, known) as http:
        for name, reason in (
            ("fail", "ValueError: a reason"),
            ("leave", "the environment has ended with status 7"),
            ("sleep", "the function timed out"),
            ("large", "the response is too large"),
        ):
            response = await http.post(f"/{name}/1")
            assert (response.status_code, response.json()) == (502, {"message": "Internal Server Error"})
            assert f"{name} failed: {reason}" in caplog.text
        assert (await http.post("/echo/1")).status_code == 201


@pytest.mark.proves("lambda-local.frozen")
@pytest.mark.skipif(not Path("/proc").exists(), reason="the states of processes are read from /proc")
async def test_an_environment_is_frozen_between_its_invocations(tmp_path: Path) -> None:
    async with serving(tmp_path, [stub("echo")]) as http:
        first = await pid_of(await http.post("/echo/1"))
        await until(lambda: state_of(first) == "T")
        assert await pid_of(await http.post("/echo/2")) == first
        await until(lambda: state_of(first) == "T")
        together = await asyncio.gather(*(http.post("/echo/3") for _ in range(3)))
        assert first in {await pid_of(each) for each in together}
    await until(lambda: not Path(f"/proc/{first}").exists())


@pytest.mark.proves("lambda-local.frozen")
async def test_the_environment_that_was_idle_for_the_longest_time_makes_room(tmp_path: Path) -> None:
    known = [stub("echo"), stub("bare"), stub("binary")]
    async with serving(tmp_path, known, limit=2) as http:
        first = await pid_of(await http.post("/echo/1"))
        for name in ("bare", "binary"):
            assert (await http.post(f"/{name}/1")).status_code == 200
        assert await pid_of(await http.post("/echo/1")) != first


@pytest.mark.proves("lambda-local.frozen")
async def test_requests_wait_for_the_one_environment(tmp_path: Path) -> None:
    async with serving(tmp_path, [stub("echo")], limit=1) as http:
        responses = await asyncio.gather(*(http.post(f"/echo/{number}") for number in range(6)))
    assert len({await pid_of(each) for each in responses}) == 1
    paths = [json.loads(each.text)["event"]["rawPath"] for each in responses]
    assert paths == [f"/assistant/echo/{number}" for number in range(6)]
