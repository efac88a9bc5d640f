"""What the Imbi API answers, as text."""

from __future__ import annotations

import json

import pytest

from shared.tools.openapi.client import Answer
from shared.tools.results.content import compact_json, output_of
from shared.util.text import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":[1,2]}', '{"a":[1,2]}'),
        ('{ "a": [1, 2],\n  "b c": "d, e:  f\\" g" }', '{"a":[1,2],"b c":"d, e:  f\\" g"}'),
        (
            '{"n": 12345678901234567890123, "f": 1.0, "g": 1e400}',
            '{"n":12345678901234567890123,"f":1.0,"g":1e400}',
        ),
        ('{"a": "x\\u0000y"}', '{"a":"xy"}'),
        ('{"a": "x\\ud800y", "b": "\\ud83d\\ude00"}', '{"a":"xy","b":"😀"}'),
        ('{"a": "\\\\u0000"}', '{"a":"\\\\u0000"}'),
        ('{"broken": "\\u0000', '{"broken": "\\u0000'),
        ("7", "7"),
    ],
)
def test_json_loses_its_spaces_and_nothing_else(text: str, expected: str) -> None:
    assert compact_json(text) == expected


def test_what_no_database_takes_is_taken_out() -> None:
    assert clean("a\x00b\ud800c\udfff😀") == "abc😀"


@pytest.mark.parametrize(
    ("media_type", "charset", "body", "expected"),
    [
        ("application/json", "utf-8", b'\xef\xbb\xbf{"a": 1}', '{"a":1}'),
        ("application/problem+json", "utf-8", b"[1, 2]", "[1,2]"),
        ("application/json", "utf-8", b'"\xff"', '"\ufffd"'),
        ("text/plain", "no-such-charset", b"caf\xc3\xa9", "café"),
        ("image/svg+xml", "utf-8", b"<svg/>", "<svg/>"),
        ("", "utf-8", b'{"a": 1}', '{"a":1}'),
        ("", "utf-8", b"\xff\xfe", "Binary content, which is not shown: of an unknown type, 2 bytes."),
        ("", "utf-8", b"a\x00b", "Binary content, which is not shown: of an unknown type, 3 bytes."),
        ("application/zip", "utf-8", b"PK" * 1000, "Binary content, which is not shown: application/zip, 2,000 bytes."),
        ("application/json", "utf-8", b" ", "Done (200 OK); the API gave no content."),
    ],
)
def test_a_body_becomes_text(media_type: str, charset: str, body: bytes, expected: str) -> None:
    assert output_of(Answer(200, media_type, charset, body)).content == expected


def test_a_failure_names_no_credential_and_no_host_with_a_login() -> None:
    body = json.dumps({"detail": "Bearer abc.def and s3cret and https://user:pass@docs.example.com/ and eyJa.b.c."})
    output = output_of(Answer(400, "application/json", "utf-8", body.encode()), token="s3cret")
    assert output.content == "HTTP 400 Bad Request: … and … and … and …."


def test_validation_errors_without_a_place_are_shown() -> None:
    body = json.dumps({"detail": [{"msg": "bad"}, {"loc": ["query", "a", 0], "msg": "worse", "input": "x" * 999}]})
    output = output_of(Answer(422, "application/json", "utf-8", body.encode()))
    assert str(output.content).endswith(": bad\nquery.a.0: worse")
