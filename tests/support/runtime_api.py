"""The local Runtime API for tests: it records what the function sends, and fails on request."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from local.lambdas import invocation as local_invocation
from local.lambdas import runtime_api as local_runtime_api
from local.lambdas.http_connection import respond
from local.lambdas.invocation import PRELUDE_END

if TYPE_CHECKING:
    from asyncio import StreamWriter
    from collections.abc import AsyncIterator, Mapping

    from local.lambdas.http_connection import Request

RUNTIME = local_runtime_api.RUNTIME
SECONDS = 60
"""How long anything may take."""


class Invocation(local_invocation.Invocation):
    """One invocation: what the function is given, and what it answers."""

    def __init__(self, event: Any, seconds: float, refuse_after: int | None) -> None:
        super().__init__(json.dumps(event).encode(), seconds)
        self.refuse_after = refuse_after
        """After so many chunks the platform has enough and answers with an error."""
        self.chunks: list[bytes] = []
        self.trailers: Mapping[str, str] = {}
        self.error: Mapping[str, Any] | None = None
        self.is_broken = False
        """The connection that carried the answer ended before it."""
        self.may_read = asyncio.Event()
        """Cleared, the reader reads no more."""
        self.may_read.set()
        self._changed = asyncio.Event()

    async def add(self, piece: bytes) -> None:
        self.chunks.append(piece)
        self._changed.set()
        await self.may_read.wait()

    async def finish(self, trailers: Mapping[str, str]) -> None:
        self.trailers = trailers
        await self._over()

    async def fail(self, error: Mapping[str, Any]) -> None:
        self.error = error
        await self._over()

    async def break_off(self, reason: str) -> None:  # noqa: ARG002  # the tests look at the chunks
        self.is_broken = not self.has_ended
        await self._over()

    @property
    def payload(self) -> bytes:
        """All bytes so far, prelude and body."""
        return b"".join(self.chunks)

    @property
    def result(self) -> Any:
        """The answer, if it was not streamed."""
        return json.loads(self.payload)

    @property
    def prelude(self) -> dict[str, Any]:
        """Status, headers and cookies."""
        prelude = json.loads(self.payload.partition(PRELUDE_END)[0])
        assert isinstance(prelude, dict)
        return prelude

    @property
    def body(self) -> bytes:
        """The body so far."""
        return self.payload.partition(PRELUDE_END)[2]

    @property
    def json(self) -> Any:
        """The body, where it is JSON."""
        return json.loads(self.body)

    @property
    def trailer_bytes(self) -> int:
        """The length of the trailers."""
        return sum(len(name) + len(value) + 4 for name, value in self.trailers.items())

    @property
    def trailed_error(self) -> Any:
        """The error in the trailers."""
        return json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))

    async def end(self) -> Self:
        """Wait for the end, whatever it is."""
        async with asyncio.timeout(SECONDS):
            await self.ended()
        return self

    async def until(self, data: bytes) -> None:
        """Wait until the body has some bytes in it."""
        async with asyncio.timeout(SECONDS):
            while data not in self.body:
                assert not self.has_ended, f"the answer ended without {data!r}: {self.payload!r} {self.error}"
                self._changed.clear()
                await self._changed.wait()

    async def _over(self) -> None:
        self._is_unwanted = True
        await self._end(None)
        self._changed.set()


class RuntimeApiServer(local_runtime_api.RuntimeApi):
    """The Runtime API of one environment."""

    def __init__(self, concurrency: int = 1) -> None:
        self.asked = asyncio.Event()
        """Set while the function waits for an invocation."""
        super().__init__("tested", concurrency, self.asked.set)
        self.init_errors: list[dict[str, Any]] = []
        self.restore_errors: list[dict[str, Any]] = []
        self.may_restore = asyncio.Event()
        self.asked_to_restore = asyncio.Event()
        self.next_status: list[int] = []
        """What the next requests for an invocation are answered with, before any is given out."""
        self.connections_to_drop = 0
        """So many connections are closed without an answer."""

    def invoke(self, event: Any, *, seconds: float = 60.0, refuse_after: int | None = None) -> Invocation:
        """Queue an invocation that may take so many seconds."""
        invocation = Invocation(event, seconds, refuse_after)
        self.asked.clear()
        self.put(invocation)
        return invocation

    async def idle(self) -> None:
        """Wait until the function asks for as many invocations as it may have, and there is none."""
        async with asyncio.timeout(SECONDS):
            await self.asked.wait()
            while self.waiting + len(self.running) < self.concurrency:
                self.asked.clear()
                await self.asked.wait()

    async def lose(self) -> None:
        """Stop listening and cut every connection."""
        await self.aclose()

    async def restore(self) -> None:
        self.asked_to_restore.set()
        await self.may_restore.wait()

    async def take_start_error(self, path: str, error: dict[str, Any]) -> None:
        (self.init_errors if path == "/init/error" else self.restore_errors).append(error)

    async def accept(self, invocation: local_invocation.Invocation, piece: bytes) -> bool:
        assert isinstance(invocation, Invocation)
        await invocation.add(piece)
        return invocation.refuse_after is None or len(invocation.chunks) <= invocation.refuse_after

    async def _handle(self, request: Request, writer: StreamWriter) -> None:
        if self.connections_to_drop:
            self.connections_to_drop -= 1
            raise ConnectionError
        await super()._handle(request, writer)

    async def _next(self, request: Request, writer: StreamWriter) -> None:
        if self.next_status:
            await respond(writer, self.next_status.pop(0))
            return
        await super()._next(request, writer)


@asynccontextmanager
async def runtime_api(concurrency: int = 1) -> AsyncIterator[RuntimeApiServer]:
    """Serve a Runtime API."""
    async with RuntimeApiServer(concurrency) as server:
        yield server
