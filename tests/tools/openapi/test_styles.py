"""Values in the styles of OpenAPI."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.openapi_documents import DocumentApi, operation


@pytest.mark.parametrize(
    ("parameter", "value", "query"),
    [
        ({"schema": {"type": "array"}}, ["a b", "c&d"], b"q=a%20b&q=c%26d"),
        ({"schema": {"type": "array"}, "explode": False}, ["a", "b"], b"q=a,b"),
        ({"schema": {"type": "array"}, "style": "pipeDelimited"}, ["a", "b"], b"q=a%7Cb"),
        ({"schema": {"type": "object"}, "style": "deepObject"}, {"a": 1}, b"q%5Ba%5D=1"),
        ({"schema": {"type": "boolean"}, "style": 7, "explode": "x"}, True, b"q=true"),
        ({"content": {"application/json": {"schema": {"type": "object"}}}}, {"a": [1]}, b"q=%7B%22a%22%3A%5B1%5D%7D"),
        ({}, "anything", b"q=anything"),
    ],
)
async def test_queries_are_written_in_their_style(parameter: Any, value: Any, query: bytes) -> None:
    api = DocumentApi(
        {"/x": {"get": operation("x", parameters=[{"name": "q", "in": "query", "description": "Q.", **parameter}])}}
    )
    assert (await api.properties())["q"]["description"] == "Q."
    assert (await api.sent("x", q=value)).url.query == query
