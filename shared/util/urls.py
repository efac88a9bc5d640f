"""Percent-encoding of URLs (RFC 3986, section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DECODINGS = 8


def decodings(text: str) -> Iterator[str]:
    """Yield a text, then the result of each further percent-decoding, until decoding changes nothing.

    A check that must hold for every reader of the text has to look at all of them: proxies and servers differ in how
    often they decode.

    Raises:
        ValueError: the text still changes after eight decodings.
    """
    for _ in range(_MAX_DECODINGS):
        yield text
        decoded = unquote(text)
        if decoded == text:
            return
        text = decoded
    raise ValueError("the text is encoded too often")


def fully_decoded(text: str) -> str:
    """Percent-decode a text until nothing changes any more.

    Raises:
        ValueError: the text still changes after eight decodings.
    """
    *_, last = decodings(text)
    return last
