"""External servers over TLS: certificates are verified unless the registration says otherwise."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastmcp import FastMCP

from shared.domain.models import MCPServer
from shared.http.server import GracefulServer, bind
from tests.support.mcp_hosts import names, toolset_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


def self_signed(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
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
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(pem), str(key_pem)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[MCPServer]:
    server = FastMCP[None]("calculator")

    @server.tool
    def add(a: int, b: int) -> int:
        return a + b

    app = server.http_app("/mcp", stateless_http=True)
    certificate, key = self_signed(folder)
    config = uvicorn.Config(app, ssl_certfile=certificate, ssl_keyfile=key, log_config=None, lifespan="off")
    running = GracefulServer(config)
    listening = bind("127.0.0.1", 0)
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(running.serve([listening]))
        port = listening.getsockname()[1]
        yield MCPServer(slug="s", name="S", url=f"https://localhost:{port}/mcp", tool_prefix="s", timeout=10)
        running.stop(at_once=True)
        await serving


@pytest.mark.proves("external.skipped")
async def test_a_self_signed_certificate_is_refused_unless_verification_is_off(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with toolset_of(server) as toolset:
            (report,) = await toolset.refresh(10.0)
            assert report.problem == "The server cannot be reached."
        lenient = replace(server, verify_ssl=False)
        async with toolset_of(lenient) as toolset:
            await toolset.ensure_loaded()
            assert names(toolset) == ["mcp_s_add"]
