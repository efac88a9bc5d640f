"""A distance to a server: TLS, and a delay of each piece of data, as over a network with a given round trip."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_CHUNK = 65_536


@dataclass(slots=True)
class Distance:
    """The relay; `connections` counts the connections that clients have opened."""

    url: str
    certificate: Path
    connections: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@asynccontextmanager
async def distant(upstream_url: str, directory: Path, round_trip: float) -> AsyncIterator[Distance]:
    """Relay to an upstream over TLS, with a round trip in seconds."""
    upstream = urlsplit(upstream_url)
    certificate, context = _certificate(directory)
    distance = Distance("", certificate)

    async def terminate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, await asyncio.open_connection(upstream.hostname, upstream.port), 0.0)

    async def delay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        distance.connections += 1
        # The round trip in which TCP opens the connection.
        await asyncio.sleep(round_trip)
        await _join(reader, writer, await asyncio.open_connection("127.0.0.1", port), round_trip / 2)

    inner = await asyncio.start_server(terminate, "127.0.0.1", 0, ssl=context)
    port = inner.sockets[0].getsockname()[1]
    outer = await asyncio.start_server(delay, "127.0.0.1", 0)
    distance.url = f"https://localhost:{outer.sockets[0].getsockname()[1]}"
    try:
        yield distance
    finally:
        outer.close()
        inner.close()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    seconds: float,
) -> None:
    with suppress(OSError):
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, other[1], seconds))
            group.create_task(_pump(other[0], writer, seconds))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write each piece after a delay; a piece does not wait for the delay of an earlier one."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)


def _certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for localhost that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = directory / "distance.pem", directory / "distance.key"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return path, context
