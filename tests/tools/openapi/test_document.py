"""Which operations of a document become tools, and whom they are offered to."""

from __future__ import annotations

from typing import Any

import pytest

from shared.tools.openapi.document import Document
from tests.support.imbi_api import GUEST
from tests.support.openapi_documents import DocumentApi, operation


async def test_only_the_five_methods_become_tools() -> None:
    item = {method: operation(f"do_{method}") for method in ("get", "head", "options", "trace", "delete", "GET")}
    assert set(await DocumentApi({"/x": item}).definitions()) == {"do_get", "do_delete"}


async def test_marks_on_a_path_apply_to_its_operations() -> None:
    paths = {
        "/a": {"x-imbi-ai-tool": False, "get": operation("a", **{"x-imbi-ai-tool": True})},
        "/b": {"get": operation("b", **{"x-imbi-ai-tool": "false"})},
        "/c": {"get": operation("c", **{"x-imbi-ai-tool": None})},
        "/d": {"get": operation("d", **{"x-imbi-ai-tool": True})},
        "/e": {"x-imbi-permission": "admin", "get": operation("e")},
    }
    api = DocumentApi(paths)
    assert set(await api.definitions()) == {"d", "e"}
    assert [definition.name for definition in api.tools.definitions(GUEST.principal)] == ["d"]


@pytest.mark.parametrize("permission", [7, ["a", 1], {"a": True}, "", [""], True])
async def test_a_permission_that_cannot_be_read_is_for_administrators(permission: Any) -> None:
    api = DocumentApi({"/x": {"get": operation("x", **{"x-imbi-permission": permission})}})
    assert set(await api.definitions()) == {"x"}
    assert api.tools.definitions(GUEST.principal) == ()


async def test_an_operation_that_cannot_be_called_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    paths: dict[str, Any] = {
        "/good": {"get": operation("good", tags=7, responses=[], summary=["x"], description={}, security="no")},
        "/parameter": {"get": operation("p", parameters=[{"name": 7, "in": "query"}])},
        "/place": {"get": operation("q", parameters=[{"name": "a", "in": "formData"}])},
        "/broken-ref": {"get": operation("r", parameters=[{"$ref": "#/components/parameters/None"}])},
        "/body": {"post": operation("b", requestBody={"content": []})},
        "/body-ref": {"post": operation("c", requestBody={"$ref": "http://evil.example.com/x"})},
        "/query?a=b": {"get": operation("d")},
        "/surrogate\ud800": {"get": operation("e")},
        "/enum": {"get": operation("f", parameters=[{"name": "a", "in": "query", "schema": {"enum": ["\ud800"]}}])},
        "/external": {"$ref": "http://evil.example.com/paths"},
        "/not-an-item": [1],
        "no-slash": {"get": operation("g")},
        "/operation": {"get": "x", "parameters": "y"},
    }
    assert set(await DocumentApi(paths).definitions()) == {"good"}
    for path in ("parameter", "place", "broken-ref", "body", "body-ref", "query?a=b", "surrogate", "enum", "external"):
        assert path in caplog.text
    assert "evil" not in caplog.text


def test_operations_above_the_limit_are_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    paths: dict[str, Any] = {f"/x{number}": {"get": {}} for number in range(4)}
    document = Document({"openapi": "3.1.0", "paths": paths}, max_operations=3)
    assert [found.path for found in document.operations()] == ["/x0", "/x1", "/x2"]
    assert "/x3" in caplog.text
