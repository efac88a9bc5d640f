"""The conversion of MCP results to text and content blocks."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from mcp import types

from shared.tools.mcp.content import convert_result
from tests.support.pictures import png


def result(*blocks: types.ContentBlock, **fields: Any) -> types.CallToolResult:
    return types.CallToolResult(content=list(blocks), **fields)


def text(value: str) -> types.TextContent:
    return types.TextContent(type="text", text=value)


def test_texts_of_a_tool_are_joined() -> None:
    output = convert_result(result(text("a\x00"), text('{"b": 1}')))
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
    output = convert_result(result(*map(text, texts), structured_content=structured))
    assert output.content == expected


def test_a_tools_failure_is_an_error() -> None:
    output = convert_result(result(text("no"), is_error=True))
    assert (output.content, output.is_error) == ("no", True)


@pytest.mark.parametrize("blocks", [[], [""], [" \n"], ["\x00"]])
def test_a_result_without_content_says_whether_the_tool_failed(blocks: list[str]) -> None:
    assert convert_result(result(*map(text, blocks))).content == "Done; the tool returned no content."
    failed = convert_result(result(*map(text, blocks), is_error=True))
    assert (failed.content, failed.is_error) == ("The tool failed and gave no reason.", True)


@pytest.mark.parametrize(
    "value",
    [
        "[INFO] service started, port 8080",
        "[docs](https://example.com/a b) are here",
        "{{ user.name }}, hello : world",
        "[1, 2, 3",
        '{"a": 1} and more',
        "{ not: json }",
        "[" * 100_000,
    ],
    ids=["log line", "link", "template", "cut off", "two values", "no quotes", "deep"],
)
def test_text_that_is_not_json_is_unchanged(value: str) -> None:
    assert convert_result(result(text(value))).content == value


def test_a_failure_has_neither_a_stack_trace_nor_a_credential() -> None:
    trace = 'It broke. Bearer abc.def\nTraceback (most recent call last):\n  File "/srv/x.py", line 1\nValueError'
    assert convert_result(result(text(trace), is_error=True)).content == "It broke. …"


def test_a_long_failure_is_cut_before_patterns_are_applied() -> None:
    output = convert_result(result(text("no " * 100_000), is_error=True))
    assert len(str(output.content)) == 8_000


PICTURE = b64encode(png(3, 2)).decode()
SHOWN = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}


def image(data: str, media_type: str = "image/png") -> types.ImageContent:
    return types.ImageContent(type="image", data=data, mime_type=media_type)


def blob(data: str, media_type: str | None = None) -> types.EmbeddedResource:
    contents = types.BlobResourceContents(uri="a://b", blob=data, mime_type=media_type)
    return types.EmbeddedResource(type="resource", resource=contents)


def described(block: types.ContentBlock) -> str:
    content = convert_result(result(block)).content
    assert isinstance(content, str)
    return content


def test_a_picture_is_shown_with_the_type_of_its_bytes() -> None:
    lines = f"{PICTURE[:20]}\n{PICTURE[20:]}\n"
    link = types.ResourceLink(type="resource_link", name="Doc", uri="https://x.example.com/d")
    page = types.EmbeddedResource(type="resource", resource=types.TextResourceContents(uri="a://b", text="page"))
    output = convert_result(result(image(PICTURE, "image/jpeg"), image(lines), link, page, blob(PICTURE, "image/png")))
    assert output.content == [
        SHOWN,
        SHOWN,
        {"type": "text", "text": "Doc: https://x.example.com/d"},
        {"type": "text", "text": "page"},
        SHOWN,
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png(1, 8001), "has 1 x 8,001 pixels, and a side may have at most 8,000"),
        (png(3, 2)[:-1], "is cut off or damaged"),
        (png(3, 2, data=b""), "is cut off or damaged"),
        (b"<svg/>", "is not a PNG, JPEG, GIF or WebP file"),
    ],
)
def test_a_picture_that_the_messages_api_refuses_is_described(content: bytes, reason: str) -> None:
    assert described(image(b64encode(content).decode())).endswith(f"bytes. The picture {reason}.")


def test_other_binary_content_is_described() -> None:
    sound = types.AudioContent(type="audio", data="QUJD", mime_type="audio/wav")
    assert described(sound) == "Binary content, which is not shown: audio/wav, 3 bytes."
    assert described(blob("QUJD")) == "Binary content, which is not shown: of an unknown type, 3 bytes."
    assert described(image("no base64!")).endswith("The picture is not valid base64.")
    assert described(image("A" * 5_000_004)).endswith("The picture is too large.")


def test_a_failed_result_has_no_pictures() -> None:
    output = convert_result(result(text("It broke."), image(PICTURE), is_error=True))
    size = len(PICTURE) * 3 // 4
    assert output.content == (
        f"It broke.\nBinary content, which is not shown: image/png, {size} bytes. It has 3 x 2 pixels."
    )


def test_only_ten_pictures_of_a_result_are_shown() -> None:
    content = convert_result(result(*[image(PICTURE)] * 12)).content
    assert [block["type"] for block in content if isinstance(block, dict)] == ["image"] * 10 + ["text"] * 2


TOO_TALL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAACMoCAAAAADkiOyqAAAAKUlEQVR42u3CAQkAAAACoP6frh8hmgYAAAAAAAAAAAAAAAAAAAAAgAMDt0YG5jJ9"
    "B2IAAAAASUVORK5CYII="
)
"""A picture of 1 x 9,000 pixels."""


def test_a_picture_that_is_too_tall_is_described() -> None:
    assert "has 1 x 9,000 pixels" in described(image(TOO_TALL))
