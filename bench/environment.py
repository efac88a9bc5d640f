"""The environment of every scenario: the database, the canned upstream, the service and the bare relay."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2

from bench.client import Outcome, Target, exchange
from bench.documents import write_documents
from bench.floor import SIZE_HEADER
from bench.processes import ROOT, Measured, first_line, running
from bench.wire import Shape
from local.tokens import issue_token
from tests.support.client import Client
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.database import Database

_SECRET = "a secret of the benchmarks that is long enough for HS256"  # noqa: S105  # protects nothing
_WAIT_SECONDS = 60


@dataclass(slots=True)
class Service:
    """The service in its own process."""

    measured: Measured
    url: str
    target: Target
    variables: dict[str, str]
    clients: list[Client] = field(default_factory=list)

    def client(self, email: str = DEVELOPER) -> Client:
        """Return a client for a user."""
        client = Client(self.url, token_of(email), email)
        self.clients.append(client)
        return client

    async def conversation(self) -> str:
        """Create a conversation with a title, so that its first answer costs the same as later ones."""
        async with Client(self.url, token_of(DEVELOPER)) as client:
            conversation_id = await client.begin()
            await client.patch(conversation_id, title="Measured")
        return conversation_id

    async def ask(self, conversation_id: str, shape: Shape) -> Outcome:
        """Ask for an answer of this shape, in words that differ, because a repeated question replaces the last one."""
        body = {"content": f"{uuid4()}: what does Imbi know? ({shape.mark})"}
        return await exchange(self.target, "POST", f"/conversations/{conversation_id}/messages", body)


@dataclass(frozen=True, slots=True)
class Floor:
    """The bare relay in its own process, the lower bound of each figure."""

    measured: Measured
    target: Target

    async def ask(self, request_bytes: int, shape: Shape) -> Outcome:
        """Ask for the same reply; the relay sends as many bytes to the model as the service does."""
        sized = Target(
            self.target.host,
            self.target.port,
            b"%b: %d\r\n" % (SIZE_HEADER, request_bytes),
            self.target.word,
            self.target.end,
        )
        return await exchange(sized, "POST", "/", {"content": shape.mark})


@dataclass(frozen=True, slots=True)
class Bench:
    """The environment of one run."""

    database: Database
    directory: Path
    upstream: Measured
    upstream_url: str
    is_quick: bool
    keeps_graphs: bool
    """Whether graphs that take minutes to fill are kept, and used again by later runs."""

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the embedded one."""
        return "sslmode=disable" in self.database.dsn

    def variables(self, tools: str = "300", **changes: str) -> dict[str, str]:
        """Return the service's variables; `tools` is the number of tools in the document."""
        return {
            "ENVIRONMENT": "benchmark",
            "POSTGRES_URL": self.database.dsn,
            "POSTGRES_GRAPH_NAME": self.database.graph_name,
            "IMBI_AUTH_JWT_SECRET": _SECRET,
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": self.upstream_url,
            "IMBI_INTERNAL_API_URL": f"{self.upstream_url}/{tools}",
            "LOG_LEVEL": "WARNING",
            # One user has a quarter of the places, and here all streams belong to one user.
            "IMBI_ASSISTANT_MAX_CONCURRENT_STREAMS": "2048",
            **changes,
        }

    @asynccontextmanager
    async def service(self, tools: str = "300", *, is_warm: bool = True, **changes: str) -> AsyncIterator[Service]:
        """Run the service; a warm service has read its document and answered once."""
        port = free_port()
        command = [str(ROOT / "local_server.py"), "serve", "--port", str(port), "--data-dir", str(self.directory)]
        variables = self.variables(tools, **changes)
        headers = f"authorization: Bearer {token_of(DEVELOPER)}\r\n".encode()
        target = Target("127.0.0.1", port, headers, b"event: text\n", b"event: done\n")
        async with running(command, self.directory, f"service-{port}.log", variables) as measured:
            service = Service(measured, f"http://127.0.0.1:{port}", target, variables)
            if is_warm:
                await reachable(f"{service.url}/status")
                outcome = await service.ask(await service.conversation(), Shape(1))
                assert outcome.is_good, measured.log.read_text()  # noqa: S101  # nothing can be measured otherwise
                await measured.settled()
            try:
                yield service
            finally:
                for client in service.clients:
                    await client.http.aclose()

    @asynccontextmanager
    async def floor(
        self, upstream_url: str | None = None, variables: Mapping[str, str] | None = None
    ) -> AsyncIterator[Floor]:
        """Run the relay, in front of the upstream or of another address, with environment variables."""
        port = free_port()
        command = ["-m", "bench.floor", str(port), upstream_url or self.upstream_url]
        async with running(command, self.directory, f"floor-{port}.log", variables) as measured:
            target = Target("127.0.0.1", port, b"", b"text_delta", b"message_stop")
            await reachable(f"http://127.0.0.1:{port}/status")
            yield Floor(measured, target)

    async def request_bytes(self) -> int:
        """Return the size of the last request to the model, in bytes."""
        async with httpx2.AsyncClient() as client:
            return int((await client.get(f"{self.upstream_url}/last")).text)


@asynccontextmanager
async def opened(database: Database, directory: Path, *, is_quick: bool, keeps_graphs: bool) -> AsyncIterator[Bench]:
    """Start the canned upstream and yield the environment."""
    documents = await asyncio.to_thread(write_documents, directory)
    arguments = ["-m", "bench.upstream", *(f"{name}={path}" for name, path in documents.items())]
    async with running(arguments, directory, f"upstream-{uuid4()}.log") as upstream:
        port = await first_line(upstream)
        yield Bench(database, directory, upstream, f"http://127.0.0.1:{port}", is_quick, keeps_graphs)


def token_of(email: str) -> str:
    """Issue an access token for a user."""
    return issue_token(_SECRET, email)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: Any = probe.getsockname()[1]
    return int(port)


async def reachable(url: str) -> None:
    """Wait until a URL answers.

    Raises:
        TimeoutError: it does not answer within a minute.
    """
    async with asyncio.timeout(_WAIT_SECONDS), httpx2.AsyncClient(timeout=_WAIT_SECONDS) as client:
        while True:
            try:
                await client.get(url)
            except httpx2.TransportError:
                await asyncio.sleep(0.01)
            else:
                return
