"""The id of a request on its response, in its error event and in its log line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.log_lines import written_log
from tests.support.model_server import http_error

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

BALANCER = "Root=1-67891233-abcdef012345678912345678"
REQUESTS = [
    ("GET", "/status", 200, "/status"),
    ("POST", "/conversations", 201, "/conversations"),
    ("GET", "/conversations/no-uuid", 404, "/conversations/{conversation_id}"),
    ("GET", "/nowhere", 404, "unknown"),
    ("PUT", "/status", 405, "/status"),
    ("PATCH", "/conversations/00000000-0000-4000-8000-000000000000", 422, "/conversations/{conversation_id}"),
]


@pytest.mark.proves("telemetry.request-ids", "telemetry.requests")
@pytest.mark.parametrize(("method", "path", "status", "route"), REQUESTS)
async def test_every_response_and_its_line_have_the_callers_id(
    client: Client, method: str, path: str, status: int, route: str
) -> None:
    body = {"title": 1} if method == "PATCH" else None
    with written_log() as written:
        response = await client.http.request(method, path, json=body, headers={"X-Request-ID": BALANCER})
        *_, line = await written.request(BALANCER)
    assert response.status_code == status
    assert response.headers.get_list("x-request-id") == [BALANCER]
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert line["duration_ms"] >= 0


@pytest.mark.proves("telemetry.request-ids")
async def test_an_odd_id_is_replaced_and_shown_once_without_its_power(client: Client) -> None:
    with written_log(form="text") as written:
        response = await client.http.get("/status", headers={"X-Request-ID": "x" * 300})
    assert response.headers["x-request-id"] != "x" * 300
    [refused] = [line for line in written.getvalue().splitlines() if "is not used" in line]
    assert "x" * 64 in refused
    assert "x" * 65 not in refused
    assert response.headers["x-request-id"] in refused


@pytest.mark.proves("telemetry.request-ids", "telemetry.requests")
async def test_a_refused_token_has_its_line(service: Service) -> None:
    async with service.client_with("nonsense") as nobody:
        with written_log() as written:
            response = await nobody.http.get("/conversations")
            [line] = await written.request(response.headers["x-request-id"])
    assert (line["status"], line["route"], "user" in line) == (401, "/conversations", False)


@pytest.mark.proves("telemetry.request-ids", "telemetry.lines", "telemetry.answer-line")
async def test_a_failed_answer_is_found_by_the_id_of_its_error(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(http_error(400, "invalid_request_error", "tools.0.name: bad", x_should_retry="false"))
    with written_log() as written:
        answer = await client.ask(conversation, "Hi")
        lines = await written.request(answer.error["request_id"])
    assert {(each["conversation_id"], each["user"]) for each in lines} == {(conversation, client.email)}
    failed, answered, request = [str(each["message"]) for each in lines]
    assert failed.startswith("the model's reply failed: HTTP 400 invalid_request_error tools.0.name: bad (request req_")
    assert answered.startswith("answered: outcome=invalid_request model=claude-")
    assert request.startswith("request: method=POST route=/conversations/{conversation_id}/messages status=200")


@pytest.mark.proves("routes.head")
@pytest.mark.parametrize("path", ["/status", "/conversations", "/openapi.json"])
async def test_head_gives_the_headers_of_get(client: Client, path: str) -> None:
    got = await client.http.get(path)
    asked = await client.http.head(path)
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]
    assert asked.headers["content-length"] == got.headers["content-length"]
