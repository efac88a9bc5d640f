"""A runtime for AWS Lambda that streams the responses of an ASGI application.

Lambda's own Python runtime sends a response when it is complete. This module uses the Lambda Runtime API directly, so
each piece of a response is sent when the application sends it. With `http_events.py` beside it, it depends only on the
standard library, so both can be used in other projects without changes:

    status = asyncio.run(serve(lambda: app, os.environ["AWS_LAMBDA_RUNTIME_API"]))

- The lifespan runs once for each environment: the start-up before the first invocation (with SnapStart, after the
  snapshot is restored), the shutdown on SIGTERM.
- Events of Function URLs and HTTP APIs (payload 2.0) and of REST APIs (payload 1.0) become HTTP scopes, with the event
  as `aws.event` and a `LambdaContext` as `aws.context`.
- Empty events and those of EventBridge's schedules keep an environment warm; they get an answer, and the application
  does not see them. Any other event becomes the invocation's error. A body that cannot be read is answered with 400.
- `send` returns when at most some KB are waiting to be sent to the Runtime API: a slow client makes the application
  wait.
- The response ends when the application returns, so background tasks still run. After that the environment is frozen.
- One invocation is handled at a time. With `concurrency`, as many are handled on the same event loop (Lambda Managed
  Instances, which never freeze an environment). The application must be made for that, as under any web server.
- If the Runtime API accepts no more of the response, `send` raises OSError and `receive` returns `http.disconnect`.
  Lambda does not report that a client disconnected.
- An exception before the response has started becomes the invocation's error. A later one is sent in the response's
  trailers.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from shared.aws.http_events import WARM, answering_unreadable, http_request, is_rest, is_warm_up, response_fields

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from shared.aws.http_events import AsgiApp, Message

    _Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

log = logging.getLogger(__name__)

_RUNTIME = "/2018-06-01/runtime"
_PRELUDE_END = bytes(8)
_BUFFER_BYTES = 64 * 1024
"""The part of a response that may wait in this process."""
_MAX_ERROR_BYTES = 3000
"""The maximum length of an error in base64; all trailers together have less than 4 KB."""
_RETRY_DELAYS_SECONDS = (0.01, 0.05, 0.2, 1.0, 2.0)
_SHUTDOWN_SECONDS = 1.5
"""The time that a response has to end after SIGTERM; Lambda kills the process after two seconds."""
_TRAILERS = ("Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body")
_CONNECTION_ERRORS = (OSError, asyncio.IncompleteReadError, ValueError)
"""The exceptions of a connection that is broken or does not carry HTTP."""


class RuntimeApiLost(Exception):
    """The Runtime API cannot be reached, or it refuses to give out invocations."""


class LifespanFailed(Exception):
    """The application reports that its start-up or its shutdown failed."""


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context of one invocation, with the attribute names of Lambda's own context object."""

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    """The time at which Lambda ends the invocation, in seconds since the epoch."""
    trace_id: str
    invocation_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the deadline."""
        return max(int((self.deadline - time.time()) * 1000), 0)


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class RuntimeApi:
    """A client of the Runtime API; `address` is the value of AWS_LAMBDA_RUNTIME_API, a host and a port."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._host, _, port = address.partition(":")
        self._port = int(port or 80)

    async def get(self, path: str) -> _Reply:
        """Send a GET request and wait for the reply without a limit; a broken connection is retried some times.

        Raises:
            RuntimeApiLost: all attempts failed.
        """
        for delay in (*_RETRY_DELAYS_SECONDS, None):
            try:
                return await self._request("GET", path, {})
            except _CONNECTION_ERRORS as error:
                if delay is None:
                    raise RuntimeApiLost(f"{path}: {error}") from error
                await asyncio.sleep(delay)
        raise AssertionError

    async def report(self, path: str, error: BaseException, context: LambdaContext | None = None) -> None:
        """Report an error; a failure to do so is only logged."""
        headers = {"Content-Type": "application/json", _TRAILERS[0]: _error_type(error)}
        try:
            await self._request("POST", path, headers | _echoed(context), _error_body(error))
        except _CONNECTION_ERRORS as lost:
            log.warning("an error could not be reported: %s", lost)

    async def respond(self, context: LambdaContext, result: object) -> None:
        """Answer an invocation with a JSON value; a failure to do so is only logged."""
        headers = {"Content-Type": "application/json"} | _echoed(context)
        try:
            path = f"/invocation/{context.aws_request_id}/response"
            await self._request("POST", path, headers, json.dumps(result).encode())
        except _CONNECTION_ERRORS as lost:
            log.warning("an answer could not be sent: %s", lost)

    async def connect(self, method: str, path: str, headers: Mapping[str, str]) -> _Connection:
        """Open a connection and send the request line and the headers.

        Raises:
            OSError: the connection is refused.
        """
        reader, writer = await asyncio.open_connection(self._host, self._port)
        lines = [f"{method} {_RUNTIME}{path} HTTP/1.1", f"Host: {self.address}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return reader, writer

    async def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> _Reply:
        reader, writer = await self.connect(method, path, {**headers, "Content-Length": str(len(body))})
        try:
            writer.write(body)
            await writer.drain()
            return await read_reply(reader)
        finally:
            writer.transport.abort()


async def read_reply(reader: asyncio.StreamReader) -> _Reply:
    """Read an HTTP/1.1 response.

    Raises:
        OSError, asyncio.IncompleteReadError, ValueError: the response is malformed or incomplete.
    """
    status = int((await reader.readuntil(b"\r\n")).split(b" ", 2)[1])
    headers: dict[str, str] = {}
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _Reply(status, headers, b"".join([chunk async for chunk in _chunks(reader)]))
    return _Reply(status, headers, await reader.readexactly(int(headers.get("content-length", 0))))


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass


class ResponseStream:
    """One invocation as ASGI's `scope`, `receive` and `send`; it streams the response to the Runtime API."""

    def __init__(self, api: RuntimeApi, context: LambdaContext, event: Message) -> None:
        self._is_rest = is_rest(event)
        self.scope, body = http_request(event, context)
        self._body: bytes | None = body
        self.has_started = False
        self.is_complete = False
        self._api = api
        self._context = context
        self._writer: asyncio.StreamWriter | None = None
        self._reply: asyncio.Task[_Reply] | None = None
        self._is_closed = asyncio.Event()

    async def receive(self) -> Message:
        """Return the complete request at first, and `http.disconnect` after the response has ended."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._is_closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a piece of the response, and wait while more than the buffer's limit is unsent.

        Raises:
            OSError: the Runtime API accepts no more of the response.
        """
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body":
            if self._is_closed.is_set():
                raise OSError("the Runtime API accepts no more of the response")
            await self._write(message.get("body", b""))
            if not message.get("more_body", False):
                self.is_complete = True
                self._is_closed.set()

    async def finish(self, error: BaseException | None = None) -> None:
        """End a started response, with any error in its trailers, and wait for the Runtime API's reply."""
        if self._writer is None or self._reply is None:
            return
        trailers = ""
        if error is not None:
            body = base64.b64encode(_error_body(error)).decode()
            kind = _error_type(error)
            trailers = f"{_TRAILERS[0]}: {kind}\r\n{_TRAILERS[1]}: {body}\r\n"
        try:
            self._writer.write(f"0\r\n{trailers}\r\n".encode())
            await self._writer.drain()
            reply = await self._reply
            if reply.status >= 400:  # noqa: PLR2004  # 4xx and 5xx are errors
                log.warning("the Runtime API refused a response: %s %s", reply.status, reply.body[:200])
        except _CONNECTION_ERRORS as lost:
            log.warning("a response was not sent to its end: %s", lost)
        finally:
            self._writer.transport.abort()

    async def _start(self, start: Message) -> None:
        headers = {
            "Content-Type": "application/vnd.awslambda.http-integration-response",
            "Lambda-Runtime-Function-Response-Mode": "streaming",
            "Transfer-Encoding": "chunked",
            "Trailer": ", ".join(_TRAILERS),
        }
        path = f"/invocation/{self._context.aws_request_id}/response"
        reader, self._writer = await self._api.connect("POST", path, headers | _echoed(self._context))
        self._writer.transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        self._reply = asyncio.create_task(read_reply(reader))
        self._reply.add_done_callback(self._close)
        self.has_started = True
        await self._write(prelude(start["status"], start.get("headers", ()), is_rest=self._is_rest))

    def _close(self, reply: asyncio.Task[_Reply]) -> None:
        """Close the stream. A reply before the response's end means that the Runtime API accepts no more of it."""
        self._is_closed.set()
        _ = reply.cancelled() or reply.exception()

    async def _write(self, piece: bytes) -> None:
        if piece and self._writer is not None:
            self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self._writer.drain()


def prelude(status: int, headers: Iterable[tuple[bytes, bytes]], *, is_rest: bool = False) -> bytes:
    """Return the part of a response before its body: status, headers and cookies as JSON, then eight NUL bytes."""
    fields = response_fields(status, headers, is_rest=is_rest)
    return json.dumps(fields, separators=(",", ":")).encode() + _PRELUDE_END


class Lifespan:
    """The application's lifespan, in a task of its own. An application does not need to support it."""

    def __init__(self, app: AsgiApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def run_phase(self, phase: str) -> None:
        """Run `startup` or `shutdown`.

        Raises:
            LifespanFailed: the application reports that it failed.
        """
        self._to_app.put_nowait({"type": f"lifespan.{phase}"})
        message = {"type": ""} if self._task.done() else await self._from_app.get()
        if message["type"] == f"lifespan.{phase}.failed":
            raise LifespanFailed(message.get("message", ""))

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception as error:  # noqa: BLE001  # in ASGI an exception means that there is no lifespan
            log.info("the application does not support the lifespan protocol: %r", error)
        self._from_app.put_nowait({"type": "over"})


async def serve(
    load: Callable[[], AsgiApp],
    address: str,
    *,
    before_snapshot: Callable[[], Awaitable[None]] | None = None,
    on_invocation: Callable[[LambdaContext], None] = lambda _context: None,
    concurrency: int = 1,
) -> int:
    """Load the application, handle invocations until the environment ends, and return the process's exit status.

    With SnapStart, `before_snapshot` is awaited after `load`; then Lambda takes the snapshot, and the application
    starts up after each restore. `on_invocation` is called before each invocation; `concurrency` run at a time.
    """
    api = RuntimeApi(address)
    if (current := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    phase = "init"
    try:
        app = answering_unreadable(load())
        if before_snapshot is not None:
            await _wait_for_restore(api, before_snapshot)
            phase = "restore"
        lifespan = Lifespan(app)
        await lifespan.run_phase("startup")
    except Exception as error:
        log.exception("the environment cannot start")
        await api.report(f"/{phase}/error", error)
        return 1
    try:
        await _handle_concurrently(api, app, lifespan.state, on_invocation, concurrency)
    except asyncio.CancelledError:
        log.info("the environment is shutting down")
    except RuntimeApiLost:
        log.exception("the Runtime API cannot be used any more")
        return 1
    finally:
        with suppress(TimeoutError, LifespanFailed):
            async with asyncio.timeout(_SHUTDOWN_SECONDS):
                await lifespan.run_phase("shutdown")
    return 0


async def _wait_for_restore(api: RuntimeApi, before_snapshot: Callable[[], Awaitable[None]]) -> None:
    await before_snapshot()
    await api.get("/restore/next")
    # All environments of a snapshot would have the same random numbers.
    random.seed()


async def _handle_concurrently(
    api: RuntimeApi,
    app: AsgiApp,
    state: Mapping[str, Any],
    on_invocation: Callable[[LambdaContext], None],
    concurrency: int,
) -> None:
    """Handle invocations in some tasks, each of which asks for one after the other.

    If one of them fails, the others end as on a shutdown.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(_handle_invocations(api, app, state, on_invocation))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _handle_invocations(
    api: RuntimeApi, app: AsgiApp, state: Mapping[str, Any], on_invocation: Callable[[LambdaContext], None]
) -> None:
    while True:
        invocation = await api.get("/invocation/next")
        if invocation.status == 410:  # noqa: PLR2004  # Gone: the invocation has ended already
            continue
        if invocation.status != 200:  # noqa: PLR2004  # OK
            raise RuntimeApiLost(f"/invocation/next returned status {invocation.status}")
        context = _context(invocation.headers)
        on_invocation(context)
        await _handle(api, app, context, invocation.body, state)


async def _handle(api: RuntimeApi, app: AsgiApp, context: LambdaContext, body: bytes, state: Mapping[str, Any]) -> None:
    error_path = f"/invocation/{context.aws_request_id}/error"
    try:
        event = json.loads(body)
        if is_warm_up(event):
            await api.respond(context, WARM)
            return
        stream = ResponseStream(api, context, event)
    except (ValueError, RecursionError) as error:
        log.warning("an invocation was refused: %s", error)
        await api.report(error_path, error, context)
        return
    stream.scope["state"] = dict(state)
    failure = await _run_to_end(asyncio.ensure_future(app(stream.scope, stream.receive, stream.send)))
    if stream.has_started:
        # A complete response counts as a success, even if the application fails after it.
        await stream.finish(None if stream.is_complete else failure or RuntimeError("the response is incomplete"))
    else:
        await api.report(error_path, failure or RuntimeError("the application sent no response"), context)
    if isinstance(failure, asyncio.CancelledError):
        raise failure


async def _run_to_end(running: asyncio.Future[None]) -> BaseException | None:
    """Wait for the application and return its exception. On a shutdown it is cancelled and gets some time to end."""
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError as stopped:
        running.cancel()
        await asyncio.wait({running}, timeout=_SHUTDOWN_SECONDS)
        return stopped
    except Exception as error:
        log.exception("the application failed")
        return error
    return None


def _context(headers: Mapping[str, str]) -> LambdaContext:
    return LambdaContext(
        aws_request_id=headers["lambda-runtime-aws-request-id"],
        invoked_function_arn=headers.get("lambda-runtime-invoked-function-arn", ""),
        deadline=int(headers["lambda-runtime-deadline-ms"]) / 1000,
        trace_id=headers.get("lambda-runtime-trace-id", ""),
        invocation_id=headers.get("lambda-runtime-invocation-id", ""),
    )


def _echoed(context: LambdaContext | None) -> dict[str, str]:
    return {"Lambda-Runtime-Invocation-Id": context.invocation_id} if context and context.invocation_id else {}


def _error_type(error: BaseException) -> str:
    return f"Runtime.{type(error).__name__}"


def _error_body(error: BaseException) -> bytes:
    """Return an error as JSON with as much of its trace as fits; the outermost frames are left out first."""
    frames = traceback.format_tb(error.__traceback__)
    while True:
        report = {"errorMessage": str(error)[:500], "errorType": _error_type(error), "stackTrace": frames}
        body = json.dumps(report).encode()
        if len(body) <= _MAX_ERROR_BYTES * 3 // 4 or not frames:
            return body
        frames = frames[1:]
