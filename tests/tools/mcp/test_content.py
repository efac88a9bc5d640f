"""What MCP tools give, as text or blocks."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from mcp import types

from shared.tools.mcp.content import output_of_mcp


def result(*blocks: types.ContentBlock, **fields: Any) -> types.CallToolResult:
    return types.CallToolResult(content=list(blocks), **fields)


def text(value: str) -> types.TextContent:
    return types.TextContent(type="text", text=value)


def test_texts_of_a_tool_are_joined() -> None:
    output = output_of_mcp(result(text("a\x00"), text('{"b": 1}')))
    assert (output.content, output.is_error) == ('a\n{"b":1}', False)


@pytest.mark.parametrize(
    ("texts", "structured", "expected"),
    [
        (['{"a": [1, 2]}'], {"a": [1, "\x00b\\u0000"]}, '{"a":[1,"b\\\\u0000"]}'),
        (['{"a": 1}'], {"a": 1}, '{"a":1}'),
        (["it is 7"], {"result": "it is 7"}, "it is 7"),
        (["[1, 2]"], {"result": [1, 2]}, "[1,2]"),
        (["Two were found."], {"count": 2}, 'Two were found.\n{"count":2}'),
        ([], {"count": 2}, '{"count":2}'),
        ([], False, "false"),
    ],
)
def test_structured_content_is_said_once(texts: list[str], structured: Any, expected: str) -> None:
    output = output_of_mcp(result(*map(text, texts), structured_content=structured))
    assert output.content == expected


def test_a_tools_failure_is_an_error() -> None:
    output = output_of_mcp(result(text("no"), is_error=True))
    assert (output.content, output.is_error) == ("no", True)


def test_a_tool_that_says_nothing_is_done() -> None:
    assert output_of_mcp(result()).content == "Done; the tool gave no content."


def test_a_failure_has_neither_a_stack_trace_nor_a_credential() -> None:
    trace = 'It broke. Bearer abc.def\nTraceback (most recent call last):\n  File "/srv/x.py", line 1\nValueError'
    assert output_of_mcp(result(text(trace), is_error=True)).content == "It broke. …"


def test_an_image_is_a_block_and_other_binaries_are_told() -> None:
    picture = b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()
    image = types.ImageContent(type="image", data=picture, mime_type="image/jpeg")
    odd = types.ImageContent(type="image", data="QUJD", mime_type="image/png")
    broken = types.ImageContent(type="image", data="no base64!", mime_type="image/png")
    sound = types.AudioContent(type="audio", data="QUJD", mime_type="audio/wav")
    link = types.ResourceLink(type="resource_link", name="Doc", uri="https://x.example.com/d")
    page = types.EmbeddedResource(type="resource", resource=types.TextResourceContents(uri="a://b", text="page"))
    blob = types.EmbeddedResource(type="resource", resource=types.BlobResourceContents(uri="a://c", blob="QUJD"))
    shot = types.BlobResourceContents(uri="a://d", blob=picture, mime_type="image/png")
    output = output_of_mcp(
        result(image, odd, broken, sound, link, page, blob, types.EmbeddedResource(type="resource", resource=shot))
    )
    shown = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
    assert output.content == [
        shown,
        {"type": "text", "text": "Binary content, which is not shown: image/png, 3 bytes."},
        {"type": "text", "text": "Binary content, which is not shown: image/png, 7 bytes."},
        {"type": "text", "text": "Binary content, which is not shown: audio/wav, 3 bytes."},
        {"type": "text", "text": "Doc: https://x.example.com/d"},
        {"type": "text", "text": "page"},
        {"type": "text", "text": "Binary content, which is not shown: of an unknown type, 3 bytes."},
        shown,
    ]


def test_an_image_that_is_too_large_is_told() -> None:
    picture = b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4_000_000)).decode()
    output = output_of_mcp(result(types.ImageContent(type="image", data=picture, mime_type="image/png")))
    assert str(output.content).startswith("Binary content")
