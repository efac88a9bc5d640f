"""Pictures: their size, and those that are cut off, too large, or not what they claim to be."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tools.results.images import Image, InvalidImage, read_image
from tests.support.pictures import gif, jpeg, png, png_chunk, webp

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.proves("external.images")

SAMPLES = [
    (png(3, 2), Image("image/png", 3, 2)),
    (png(5, 3, data=bytes(3 * 2 + 1 + 3 + 2 * 4 + 6), interlaced=True), Image("image/png", 5, 3)),
    (jpeg(640, 480), Image("image/jpeg", 640, 480)),
    (jpeg(640, 480, frame=0xC2, thumbnail=jpeg(16, 12)), Image("image/jpeg", 640, 480)),
    (gif(7, 5), Image("image/gif", 7, 5)),
    (gif(7, 5, version=b"87a"), Image("image/gif", 7, 5)),
    *((webp(9, 4, kind=kind), Image("image/webp", 9, 4)) for kind in ("lossy", "lossless", "extended", "animated")),
]
FORMATS = [content for content, _ in SAMPLES]


@pytest.mark.parametrize(("content", "image"), SAMPLES)
def test_a_whole_picture_is_read(content: bytes, image: Image) -> None:
    assert read_image(content) == image


def test_damage_in_an_ancillary_chunk_is_ignored() -> None:
    text = png_chunk(b"tEXt", b"Author\0me").replace(b"me", b"us")
    content = png(3, 2).replace(png_chunk(b"IEND", b""), text + png_chunk(b"IEND", b""))
    assert read_image(content).width == 3


@pytest.mark.parametrize("content", FORMATS)
def test_a_picture_that_is_cut_off_anywhere_is_refused(content: bytes) -> None:
    for length in range(len(content)):
        with pytest.raises(InvalidImage):
            read_image(content[:length])


@pytest.mark.parametrize("build", [png, jpeg, gif, webp])
@pytest.mark.parametrize(("width", "height"), [(8001, 1), (1, 8001)])
def test_a_side_of_more_than_8000_pixels_is_refused(
    build: Callable[[int, int], bytes], width: int, height: int
) -> None:
    assert read_image(build(8000, 1)).width == 8000
    with pytest.raises(InvalidImage, match=r"8,001.* pixels, and a side may have at most 8,000"):
        read_image(build(width, height))


def test_a_picture_of_too_many_pixels_is_refused_before_its_data_is_read() -> None:
    with pytest.raises(InvalidImage, match="which is too many"):
        read_image(png(8000, 8000, data=b""))


@pytest.mark.parametrize("content", [jpeg(0, 5), jpeg(5, 0), gif(0, 1), webp(0, 1), png(0, 3, data=b"")])
def test_a_picture_without_a_size_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImage, match="has no size"):
        read_image(content)


LIES = {
    "fewer pixels than stated": png(100, 100, data=bytes(5)),
    "more pixels than stated": png(2, 2, data=bytes(5_000_000)),
    "compressed data that ends early": png().replace(
        png_chunk(b"IDAT", zlib.compress(bytes(2))), png_chunk(b"IDAT", zlib.compress(bytes(2))[:-3])
    ),
    "a wrong checksum": png().replace(b"IDAT", b"IdAT"),
    "no pixel data": png().replace(png_chunk(b"IDAT", zlib.compress(bytes(2))), b""),
    "a PNG without a header": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IEND", b""),
    "a chunk length beyond the end": b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
    "a PNG with indexed color and no palette": b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 3, 0, 0, 0))
    + png_chunk(b"IDAT", zlib.compress(bytes(2)))
    + png_chunk(b"IEND", b""),
    "a JPEG that ends in its thumbnail": jpeg(thumbnail=jpeg())[:-2],
    "a JPEG without a scan": b"\xff\xd8\xff\xe0\x00\x02\xff\xd9",
    "a lossless JPEG": jpeg(frame=0xC3),
    "a GIF without a frame": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x3b",
    "a GIF with an unknown block": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x00\x3b",
    "a sound in a RIFF file": webp().replace(b"WEBP", b"WAVE"),
    "a WebP with a canvas only": b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(10),
    "a WebP with a wrong start code": webp().replace(b"\x9d\x01\x2a", b"\0\0\0"),
    "a WebP with a wrong signature": webp(kind="lossless").replace(b"\x2f", b"\x2e"),
    "text": b"no picture",
    "nothing": b"",
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES.keys())
def test_a_picture_that_lies_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImage):
        read_image(content)


@given(beginning=st.sampled_from(FORMATS), place=st.integers(0, 60), rest=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(beginning: bytes, place: int, rest: bytes) -> None:
    try:
        image = read_image(beginning[:place] + rest)
    except InvalidImage:
        return
    assert image.width
    assert image.height


WORST = {
    "GIF blocks of one byte": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x21\xfe" + b"\x01a" * 1_800_000,
    "JPEG scans without an end": b"\xff\xd8\xff\xda\x00\x02" + b"\xff\x00" * 1_800_000,
    "JPEG fill bytes": b"\xff\xd8" + b"\xff" * 3_600_000,
    "JPEG scans": b"\xff\xd8" + b"\xff\xda\x00\x02" * 900_000,
    "PNG chunks": png()[:-12] + png_chunk(b"IDAT", b"") * 300_000,
}


@pytest.mark.anyio
@pytest.mark.parametrize("content", WORST.values(), ids=WORST.keys())
async def test_the_worst_bytes_hang_nothing(content: bytes) -> None:
    async with asyncio.timeout(60):
        with pytest.raises(InvalidImage):
            await asyncio.to_thread(read_image, content)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
