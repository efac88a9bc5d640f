"""Responses of the API as results for the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.tools.openapi.client import ApiResponse
from shared.tools.openapi.response import output_of
from tests.support.imbi_api import ADMIN

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.tools.openapi.toolset import OpenAPIToolset


@pytest.mark.parametrize(
    ("name", "arguments", "content"),
    [
        ("delete_project", {"org_slug": "a", "project_id": "b"}, "Done (204 No Content); the API gave no content."),
        ("get_picture", {}, "Binary content, which is not shown: image/png, 6 bytes."),
        ("get_page", {}, "café\x00"),
    ],
)
async def test_answers_that_are_no_json_become_sentences_or_text(
    tools: OpenAPIToolset, name: str, arguments: JsonObject, content: str
) -> None:
    output = await tools.call(name, arguments, ADMIN)
    assert (output.content, output.is_error) == (content, False)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (404, "detail", "HTTP 404 Not Found: No project 'x' here."),
        (409, "dict", 'HTTP 409 Conflict: {"code":"conflict"}'),
        (400, "plain", "HTTP 400 Bad Request: Plainly wrong."),
        (400, "page", "HTTP 400 Bad Request"),
        (403, "empty", "HTTP 403 Forbidden"),
        (400, "list", 'HTTP 400 Bad Request: ["a",1]'),
        (400, "bare", 'HTTP 400 Bad Request: {"problem":"bad"}'),
        (500, "bare", "HTTP 500 Internal Server Error"),
        (400, "broken", "HTTP 400 Bad Request"),
        (499, "detail", "HTTP 499: No project 'x' here."),
        (304, "empty", "HTTP 304 Not Modified"),
        (500, "trace", "HTTP 500 Internal Server Error: Broken."),
        (500, "plain", "HTTP 500 Internal Server Error"),
        (503, "urls", "HTTP 503 Service Unavailable: See …, … and …."),
        (400, "urls", "HTTP 400 Bad Request: See …, … and https://docs.example.com/help."),
        (400, "token", "HTTP 400 Bad Request: You sent …"),
        (400, "long", f"HTTP 400 Bad Request: {'x' * 2000}…"),
    ],
)
async def test_a_refused_call_is_an_error_with_a_reason(
    tools: OpenAPIToolset, status: int, kind: str, expected: str
) -> None:
    output = await tools.call("get_failing", {"status": status, "kind": kind}, ADMIN)
    assert output.is_error
    assert output.content == expected


async def test_validation_errors_are_a_line_each(tools: OpenAPIToolset) -> None:
    output = await tools.call("create_project", {"org_slug": "a", "name": "", "owners": [1]}, ADMIN)
    assert output.is_error
    assert str(output.content).partition(": ")[2] == (
        "body.name: String should have at least 1 character\nbody.owners.0: Input should be a valid string"
    )


@pytest.mark.parametrize(
    ("media_type", "charset", "body", "expected"),
    [
        ("application/json", "utf-8", b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'),
        ("application/problem+json", "utf-8", b"[1, 2]", "[1, 2]"),
        ("application/json", "utf-8", b'"\xff"', '"\ufffd"'),
        ("text/plain", "no-such-charset", b"caf\xc3\xa9", "café"),
        ("image/svg+xml", "utf-8", b"<svg/>", "<svg/>"),
        ("", "utf-8", b'{"a": 1}', '{"a": 1}'),
        ("", "utf-8", b"\xff\xfe", "Binary content, which is not shown: of an unknown type, 2 bytes."),
        ("", "utf-8", b"a\x00b", "Binary content, which is not shown: of an unknown type, 3 bytes."),
        ("application/zip", "utf-8", b"PK" * 1000, "Binary content, which is not shown: application/zip, 2,000 bytes."),
        ("application/json", "utf-8", b" ", "Done (200 OK); the API gave no content."),
    ],
)
def test_a_body_becomes_text(media_type: str, charset: str, body: bytes, expected: str) -> None:
    assert output_of(ApiResponse(200, media_type, charset, body)).content == expected


def test_a_failure_names_no_credential_and_no_host_with_a_login() -> None:
    body = json.dumps({"detail": "Bearer abc.def and s3cret and https://user:pass@docs.example.com/ and eyJa.b.c."})
    output = output_of(ApiResponse(400, "application/json", "utf-8", body.encode()), token="s3cret")
    assert output.content == "HTTP 400 Bad Request: … and … and … and …."


def test_validation_errors_without_a_place_are_shown() -> None:
    body = json.dumps({"detail": [{"msg": "bad"}, {"loc": ["query", "a", 0], "msg": "worse", "input": "x" * 999}]})
    output = output_of(ApiResponse(422, "application/json", "utf-8", body.encode()))
    assert str(output.content).endswith(": bad\nquery.a.0: worse")


TOKEN = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl"


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", ""])
def test_a_successful_response_does_not_repeat_the_callers_token(media_type: str) -> None:
    body = json.dumps({"headers": {"Authorization": f"Bearer {TOKEN}"}, "token": TOKEN, "id": 1}).encode()
    output = output_of(ApiResponse(200, media_type, "utf-8", body), TOKEN)
    assert output.content == '{"headers": {"Authorization": "Bearer …"}, "token": "…", "id": 1}'
