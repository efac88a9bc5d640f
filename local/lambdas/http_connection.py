"""The messages of HTTP/1.1 on the connections of the Runtime API (RFC 9112)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Mapping

_ONE_PIECE = 2048
"""Longer bodies are sent in chunks, as Lambda's own server does."""


@dataclass(slots=True)
class Request:
    """A request whose body is not read yet."""

    method: str
    path: str
    headers: Mapping[str, str]
    """With names in lower case."""
    reader: asyncio.StreamReader
    trailers: Mapping[str, str]

    async def body(self) -> bytes:
        """Return the whole body."""
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the body in the chunks in which it is sent; afterwards the trailers are known.

        Raises:
            asyncio.IncompleteReadError: the connection ended before the body.
        """
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            yield await self.reader.readexactly(int(self.headers.get("content-length", 0)))
            return
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        self.trailers = await read_headers(self.reader)


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read the head of a request.

    Raises:
        asyncio.IncompleteReadError: the connection has ended.
    """
    method, path, _ = (await reader.readuntil(b"\r\n")).decode("latin-1").split(" ", 2)
    return Request(method, path, await read_headers(reader), reader, {})


async def read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    """Read headers, or the trailers of a chunked body; the names become lower case."""
    headers: dict[str, str] = {}
    while line := (await reader.readuntil(b"\r\n")).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def respond(
    writer: asyncio.StreamWriter, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> None:
    """Send a response."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if len(body) > _ONE_PIECE:
        half = len(body) // 2
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:])) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
