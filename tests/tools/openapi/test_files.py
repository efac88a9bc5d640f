"""Files that a call uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.imbi_api import called

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.tools.openapi.toolset import OpenAPIToolset


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("Hello", {"name": "file.txt", "type": "text/plain", "content": "Hello"}),
        ("<svg/>", {"name": "file.svg", "type": "image/svg+xml", "content": "<svg/>"}),
        ("data:text/csv;base64,YSxi", {"name": "file.csv", "type": "text/csv", "content": "a,b"}),
        ("data:text/html,a%20b", {"name": "file.html", "type": "text/html", "content": "a b"}),
        ("data:,plain", {"name": "file.plain", "type": "text/plain", "content": "plain"}),
        ("data:a\r\nX: b,c", {"name": "file.octet", "type": "application/octet-stream", "content": "c"}),
    ],
)
async def test_a_file_is_uploaded(tools: OpenAPIToolset, file: str, expected: JsonObject) -> None:
    assert await called(tools, "create_file", org_slug="acme", file=file) == {"org": "acme", **expected}
