"""A client of PostgreSQL's wire protocol that sends single messages, unlike any driver."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANSWER_SECONDS = 30
PROTOCOL_3_0 = b"\0\3\0\0"


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def begin(self) -> None:
        body = PROTOCOL_3_0 + b"user\0somebody\0\0"
        self.writer.write((len(body) + 4).to_bytes(4, "big") + body)
        await self.receive(b"Z")

    def send(self, kind: bytes, body: bytes = b"") -> None:
        self.writer.write(message(kind, body))

    async def receive(self, kind: bytes) -> bytes:
        """Read until a message of the kind comes, and give its body."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                header = await self.reader.readexactly(5)
                body = await self.reader.readexactly(int.from_bytes(header[1:], "big") - 4)
                if header[:1] == kind:
                    return body

    def drop(self) -> None:
        """Go without a word."""
        self.writer.transport.abort()


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[RawClient]:
    """Connect without beginning a session."""
    address = urlsplit(dsn)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        client.drop()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[RawClient]:
    async with opened(dsn) as client:
        await client.begin()
        yield client
