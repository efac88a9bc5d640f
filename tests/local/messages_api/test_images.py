"""The rules about pictures."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from local.messages_api import problems
from local.messages_api.images import MANY, MOST_BYTES
from tests.support.sample_requests import CALL, HELLO, TOOL, request


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def jpeg(width: int, height: int) -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(12)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3)


def webp(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + sides


def picture(content: bytes, media_type: str = "image/png") -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def objections(*pictures: dict[str, Any]) -> str:
    asked = request({"role": "user", "content": [*pictures]})
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [*pictures]}
    called = {"role": "assistant", "content": [CALL]}
    in_result = request(HELLO, called, {"role": "user", "content": [result]}, tools=[TOOL])
    found = problems(asked)
    assert len(problems(in_result)) == len(found)
    return "\n".join(found)


@pytest.mark.parametrize(("make", "kind"), [(png, "png"), (jpeg, "jpeg"), (gif, "gif"), (webp, "webp")])
def test_a_picture_has_at_most_8000_pixels_a_side(make: Any, kind: str) -> None:
    assert objections(picture(make(8000, 10), f"image/{kind}")) == ""
    assert "8000 pixels" in objections(picture(make(8001, 10), f"image/{kind}"))
    assert "8000 pixels" in objections(picture(make(10, 8001), f"image/{kind}"))


def test_many_pictures_have_at_most_2000_pixels_a_side() -> None:
    assert objections(*[picture(png(2001, 10))] * MANY) == ""
    assert "2000 pixels" in objections(*[picture(png(2001, 10))] * (MANY + 1))


def test_a_picture_is_what_it_says() -> None:
    assert "media_type: Input" in objections(picture(png(1, 1), "image/tiff"))
    assert "does not appear" in objections(picture(png(1, 1), "image/jpeg"))
    broken = picture(png(1, 1))
    broken["source"]["data"] = "not base64!"
    assert "Invalid base64" in objections(broken)
    assert "exceeds" in objections(picture(png(1, 1) + bytes(MOST_BYTES)))
