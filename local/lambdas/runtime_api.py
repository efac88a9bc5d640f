"""The Runtime API of one environment, by the rules of AWS's documents, on the loopback interface.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import orjson

from local.lambdas.http_connection import read_request, respond

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from local.lambdas.http_connection import Request
    from local.lambdas.invocation import Invocation

RUNTIME = "/2018-06-01/runtime"
MAX_BUFFERED_BYTES = 6 * 1024 * 1024
MAX_STREAMED_BYTES = 200 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_ACCEPTED = b'{"status":"OK"}'
_ACCOUNT = "arn:aws:lambda:eu-west-1:123456789012:function:"
_LOOP_TURNS = 10
"""Transports close in the next turns of the event loop."""


class RuntimeApi:
    """A Runtime API. An environment handles at most `concurrency` invocations at a time."""

    def __init__(
        self, function: str = "local", concurrency: int = 1, on_wait: Callable[[], None] | None = None
    ) -> None:
        """Take the function's name; `on_wait` is called when the environment waits for an invocation."""
        self.address = ""
        self.function = function
        self.concurrency = concurrency
        self.waiting = 0
        """The requests that wait for an invocation."""
        self.running: dict[str, Invocation] = {}
        """The invocations that were given out and have not ended, by their ids."""
        self.start_error: dict[str, Any] | None = None
        """The error with which the environment could not start or be restored."""
        self._on_wait = on_wait or (lambda: None)
        self._queue: asyncio.Queue[Invocation] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._is_over = False
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop listening and cut every connection."""
        self._is_over = True
        if self._server is not None:
            self._server.close()
        for handler in self._handlers:
            handler.cancel()
        if self._handlers:
            await asyncio.wait(self._handlers)
        for _ in range(_LOOP_TURNS):
            await asyncio.sleep(0)

    @property
    def queued(self) -> int:
        """The number of invocations that wait for the environment."""
        return self._queue.qsize()

    def put(self, invocation: Invocation) -> None:
        """Queue an invocation."""
        self._queue.put_nowait(invocation)

    def drain(self) -> list[Invocation]:
        """Take back the invocations that the environment has not got."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def take_start_error(self, path: str, error: dict[str, Any]) -> None:
        """Take the error of an environment that cannot start (`/init/error`) or be restored (`/restore/error`)."""
        self.start_error = {**error, "path": path}

    async def restore(self) -> None:
        """Wait until the environment is restored from its snapshot; here it is at once."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._handlers.add(task)
            task.add_done_callback(self._handlers.discard)
        try:
            if not self._is_over:
                await self._handle(await read_request(reader), writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _handle(self, request: Request, writer: asyncio.StreamWriter) -> None:
        path = request.path.removeprefix(RUNTIME)
        match request.method, path.split("/")[1:]:
            case "GET", ["invocation", "next"]:
                await self._next(request, writer)
            case "GET", ["restore", "next"]:
                await self.restore()
                await respond(writer, 200)
            case "POST", ["init" | "restore", "error"]:
                error = _error_of(request, await request.body())
                await respond(writer, 202, _ACCEPTED)
                await self.take_start_error(path, error)
            case "POST", ["invocation", id_, "response" | "error" as kind] if id_ in self.running:
                end = self._response if kind == "response" else self._error
                await end(self.running[id_], request, writer)
            case "POST", ["invocation", _, "response" | "error"]:
                await _refuse(writer, 400, "InvalidRequestID", "Invalid request ID")
            case _:
                await _refuse(writer, 404, "NotFound", "There is no such path")

    async def _next(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if len(self.running) + self.waiting >= self.concurrency:
            await _refuse(writer, 403, "InvalidStateTransition", "The environment has its invocations already")
            return
        invocation = await self._taken(request)
        if invocation is None:
            return
        self.running[invocation.id] = invocation
        invocation.start()
        try:
            await respond(writer, 200, invocation.event, self._headers(invocation))
        except ConnectionError:
            del self.running[invocation.id]
            self.put(invocation)

    async def _taken(self, request: Request) -> Invocation | None:
        """Wait for an invocation; return None if the environment hangs up before."""
        self.waiting += 1
        taking = asyncio.ensure_future(self._queue.get())
        hung_up = asyncio.ensure_future(request.reader.read(1))
        try:
            if self._queue.empty():
                self._on_wait()
            await asyncio.wait({taking, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            return taking.result() if taking.done() else None
        finally:
            self.waiting -= 1
            taking.cancel()
            hung_up.cancel()

    def _headers(self, invocation: Invocation) -> dict[str, str]:
        return {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _ACCOUNT + self.function,
            "Lambda-Runtime-Trace-Id": f"Root={invocation.trace_id};Parent=9a9197af755a6419;Sampled=1",
            "Lambda-Runtime-Invocation-Id": f"invocation-of-{invocation.id}",
            "Content-Type": "application/json",
        }

    async def _error(self, invocation: Invocation, request: Request, writer: asyncio.StreamWriter) -> None:
        error = _error_of(request, await request.body())
        await respond(writer, 202, _ACCEPTED)
        invocation.begin(request.headers)
        self._over(invocation)
        await invocation.fail(error)

    async def _response(self, invocation: Invocation, request: Request, writer: asyncio.StreamWriter) -> None:
        is_streamed = request.headers.get("lambda-runtime-function-response-mode") == "streaming"
        left = MAX_STREAMED_BYTES if is_streamed else MAX_BUFFERED_BYTES
        invocation.begin(request.headers)
        try:
            async for piece in request.pieces():
                left -= len(piece)
                if left < 0 or not await self.accept(invocation, piece):
                    await _refuse(writer, 413, "Function.ResponseSizeTooLarge", "The response is too large")
                    await invocation.break_off("the response is too large")
                    return
            self._over(invocation)
            await respond(writer, 202, _ACCEPTED)
            await invocation.finish(request.trailers)
        except (ConnectionError, asyncio.IncompleteReadError):
            await invocation.break_off("the function broke the response off")
        finally:
            self._over(invocation)

    async def accept(self, invocation: Invocation, piece: bytes) -> bool:
        """Take a piece of a response; return whether more is accepted."""
        await invocation.add(piece)
        return True

    def _over(self, invocation: Invocation) -> None:
        self.running.pop(invocation.id, None)


def _error_of(request: Request, body: bytes) -> dict[str, Any]:
    error = orjson.loads(body or b"{}")
    kind = request.headers.get("lambda-runtime-function-error-type")
    return {**(error if isinstance(error, dict) else {}), "type in header": kind}


async def _refuse(writer: asyncio.StreamWriter, status: int, kind: str, message: str) -> None:
    await respond(writer, status, orjson.dumps({"errorType": kind, "errorMessage": message}))
