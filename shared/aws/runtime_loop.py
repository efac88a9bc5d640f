"""A runtime for AWS Lambda that streams the answers of an ASGI application.

Lambda's own Python runtime hands an answer over when it is whole. This module speaks the Lambda Runtime API itself, so
that each piece of an answer leaves when the application sends it. It needs nothing but the standard library and knows
nothing of the project around it; it may be lifted out as it is:

    status = asyncio.run(serve(lambda: app, os.environ["AWS_LAMBDA_RUNTIME_API"]))

- The lifespan runs once in an environment's life: the start-up before the first invocation (after the restoring, with
  SnapStart), the shutdown on SIGTERM.
- Events of Function URLs and HTTP APIs (payload 2.0) and of REST APIs (payload 1.0) arrive as HTTP scopes, with the
  event as `aws.event` and a `LambdaContext` as `aws.context`.
- `send` returns when the Runtime API has taken the piece but for some KB: a slow reader makes the application wait.
- The answer ends when the application returns, so background tasks still run. After that the environment is frozen.
- Where the answer is not taken any more, `send` raises OSError and `receive` gives `http.disconnect`. That a client
  went away is something that Lambda does not tell.
- An exception before the answer has begun is the invocation's error; a later one goes into the answer's trailers.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import unquote, urlencode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping

    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    AsgiApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
    _Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
    _Request: TypeAlias = tuple[str, str, str, str, Iterable[tuple[str, str]]]

log = logging.getLogger(__name__)

_RUNTIME = "/2018-06-01/runtime"
_PRELUDE_END = bytes(8)
_WAITING_BYTES = 64 * 1024
"""How much of an answer may wait for its reader in this process."""
_MOST_ERROR_BYTES = 3000
"""How long an error is in base64 at most; trailers have less than 4 KB in all."""
_RECONNECT_SECONDS = (0.01, 0.05, 0.2, 1.0, 2.0)
_LAST_WORDS_SECONDS = 1.5
"""What an answer has left to end itself after SIGTERM; Lambda kills after two seconds."""
_TRAILERS = ("Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body")
_BROKEN = (OSError, asyncio.IncompleteReadError, ValueError)
"""What a connection raises that broke, or that carries no HTTP."""
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})


class RuntimeApiLost(Exception):
    """The Runtime API cannot be reached, or wants this process to end."""


class LifespanFailed(Exception):
    """The application says that it cannot start."""


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """One invocation, with the names of the context that Lambda's own runtime hands out."""

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    """When the platform ends the invocation, in seconds since the epoch."""
    trace_id: str
    invocation_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Give the time until the deadline."""
        return max(int((self.deadline - time.time()) * 1000), 0)


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class RuntimeApi:
    """The Runtime API of one environment; `address` is the host and port of AWS_LAMBDA_RUNTIME_API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._host, _, port = address.partition(":")
        self._port = int(port or 80)

    async def get(self, path: str) -> _Reply:
        """Ask, and wait for the reply as long as it takes; a lost connection is made again some times.

        Raises:
            RuntimeApiLost: there is no reply to be had.
        """
        for pause in (*_RECONNECT_SECONDS, None):
            try:
                return await self._request("GET", path, {})
            except _BROKEN as error:
                if pause is None:
                    raise RuntimeApiLost(f"{path}: {error}") from error
                await asyncio.sleep(pause)
        raise AssertionError

    async def report(self, path: str, error: BaseException, context: LambdaContext | None = None) -> None:
        """Tell an error."""
        headers = {"Content-Type": "application/json", _TRAILERS[0]: _error_type(error)}
        try:
            await self._request("POST", path, headers | _echoed(context), _error_body(error))
        except _BROKEN as lost:
            log.warning("an error could not be reported: %s", lost)

    async def connect(self, method: str, path: str, headers: Mapping[str, str]) -> _Connection:
        """Open a connection and send a request's head."""
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
        OSError, asyncio.IncompleteReadError, ValueError: it is none, or not whole.
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


class Exchange:
    """One invocation between the Runtime API and the application: ASGI's `receive` and `send`."""

    def __init__(self, api: RuntimeApi, context: LambdaContext, event: Message) -> None:
        self.scope = http_scope(event, context)
        self.has_begun = False
        self.is_whole = False
        self._api = api
        self._context = context
        self._is_rest = "httpMethod" in event
        self._body: bytes | None = http_body(event)
        self._writer: asyncio.StreamWriter | None = None
        self._taken: asyncio.Task[_Reply] | None = None
        self._is_over = asyncio.Event()

    async def receive(self) -> Message:
        """Give the request, which is whole, then wait for the end."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._is_over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on, and wait while too much of it is waiting.

        Raises:
            OSError: nobody takes it any more.
        """
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body":
            if self._is_over.is_set():
                raise OSError("the answer is not taken any more")
            await self._write(message.get("body", b""))
            if not message.get("more_body", False):
                self.is_whole = True
                self._is_over.set()

    async def finish(self, error: BaseException | None = None) -> None:
        """End the answer that has begun, with an error in its trailers if there is one, and see that it is taken."""
        if self._writer is None or self._taken is None:
            return
        trailers = ""
        if error is not None:
            body = base64.b64encode(_error_body(error)).decode()
            kind = _error_type(error)
            trailers = f"{_TRAILERS[0]}: {kind}\r\n{_TRAILERS[1]}: {body}\r\n"
        try:
            self._writer.write(f"0\r\n{trailers}\r\n".encode())
            await self._writer.drain()
            reply = await self._taken
            if reply.status >= 400:  # noqa: PLR2004  # where errors begin
                log.warning("the Runtime API refused an answer: %s %s", reply.status, reply.body[:200])
        except _BROKEN as lost:
            log.warning("an answer was not taken to its end: %s", lost)
        finally:
            self._writer.transport.abort()

    async def _begin(self, start: Message) -> None:
        headers = {
            "Content-Type": "application/vnd.awslambda.http-integration-response",
            "Lambda-Runtime-Function-Response-Mode": "streaming",
            "Transfer-Encoding": "chunked",
            "Trailer": ", ".join(_TRAILERS),
        }
        path = f"/invocation/{self._context.aws_request_id}/response"
        reader, self._writer = await self._api.connect("POST", path, headers | _echoed(self._context))
        self._writer.transport.set_write_buffer_limits(high=_WAITING_BYTES)
        self._taken = asyncio.create_task(read_reply(reader))
        self._taken.add_done_callback(self._stop_waiting)
        self.has_begun = True
        await self._write(prelude(start["status"], start.get("headers", ()), is_rest=self._is_rest))

    def _stop_waiting(self, taken: asyncio.Task[_Reply]) -> None:
        """A reply that comes before the answer's end means that nobody wants the rest."""
        self._is_over.set()
        _ = taken.cancelled() or taken.exception()

    async def _write(self, piece: bytes) -> None:
        if piece and self._writer is not None:
            self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self._writer.drain()


def prelude(status: int, headers: Iterable[tuple[bytes, bytes]], *, is_rest: bool = False) -> bytes:
    """Write what precedes an answer's body: status, headers and cookies as JSON, then eight NULs."""
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        elif name not in _HOP_BY_HOP:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    told: dict[str, object] = {"statusCode": status, "headers": joined}
    if cookies:
        told |= {"multiValueHeaders": {"set-cookie": cookies}} if is_rest else {"cookies": cookies}
    return json.dumps(told, separators=(",", ":")).encode() + _PRELUDE_END


def http_scope(event: Message, context: object) -> Message:
    """Turn an event into an ASGI scope.

    Raises:
        ValueError: it is no event of an HTTP request.
    """
    try:
        method, path, query, client, headers = _read_rest(event) if "httpMethod" in event else _read_http(event)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an event of an HTTP request: {error!r} is missing or wrong") from error
    fields = dict(headers)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": fields.get("x-forwarded-proto", "https"),
        "path": unquote(path),
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers],
        "client": (client, 0) if client else None,
        "server": (fields.get("host", "lambda"), int(fields.get("x-forwarded-port", 443))),
        "aws.event": event,
        "aws.context": context,
    }


def _read_http(event: Message) -> _Request:
    """Read payload 2.0; several values of a header are joined in it already."""
    headers = [(name.lower(), value) for name, value in (event.get("headers") or {}).items()]
    if event.get("cookies"):
        headers.append(("cookie", "; ".join(event["cookies"])))
    http = event["requestContext"]["http"]
    return (
        http["method"],
        event.get("rawPath") or "/",
        event.get("rawQueryString") or "",
        http.get("sourceIp", ""),
        headers,
    )


def _read_rest(event: Message) -> _Request:
    """Read payload 1.0, whose query arrives decoded."""
    several = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers = [(name.lower(), value) for name, values in several.items() for value in values]
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    client = (event["requestContext"].get("identity") or {}).get("sourceIp", "")
    return event["httpMethod"], event["path"] or "/", urlencode(query, doseq=True), client, headers


def http_body(event: Message) -> bytes:
    """Give the request's body, which is text or base64 in an event."""
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


class Lifespan:
    """The application's lifespan, in a task of its own; an application without one is run without."""

    def __init__(self, app: AsgiApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def pass_through(self, phase: str) -> None:
        """Go through `startup` or `shutdown`.

        Raises:
            LifespanFailed: the application says that it failed.
        """
        self._asked.put_nowait({"type": f"lifespan.{phase}"})
        told = {"type": ""} if self._task.done() else await self._told.get()
        if told["type"] == f"lifespan.{phase}.failed":
            raise LifespanFailed(told.get("message", ""))

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._asked.get, self._told.put)
        except Exception as error:  # noqa: BLE001  # ASGI's way to say that there is no lifespan
            log.info("the application has no lifespan: %r", error)
        self._told.put_nowait({"type": "over"})


async def serve(
    load: Callable[[], AsgiApp],
    address: str,
    *,
    is_snap_start: bool = False,
    on_invocation: Callable[[LambdaContext], None] = lambda _context: None,
) -> int:
    """Load the application and answer invocations until the environment ends; gives the process's exit status.

    With SnapStart the snapshot is taken between the loading and the application's start-up.
    """
    api = RuntimeApi(address)
    working = asyncio.current_task()
    if working is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    phase = "init"
    try:
        app = load()
        if is_snap_start:
            await api.get("/restore/next")
            phase = "restore"
        lifespan = Lifespan(app)
        await lifespan.pass_through("startup")
    except Exception as error:
        log.exception("the environment cannot start")
        await api.report(f"/{phase}/error", error)
        return 1
    try:
        await _work(api, app, lifespan.state, on_invocation)
    except asyncio.CancelledError:
        log.info("the environment ends")
    except RuntimeApiLost:
        log.exception("the Runtime API is lost")
        return 1
    finally:
        with suppress(TimeoutError, LifespanFailed):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await lifespan.pass_through("shutdown")
    return 0


async def _work(
    api: RuntimeApi, app: AsgiApp, state: Mapping[str, Any], on_invocation: Callable[[LambdaContext], None]
) -> None:
    while True:
        invocation = await api.get("/invocation/next")
        if invocation.status == 410:  # noqa: PLR2004  # Gone: it ended without us
            continue
        if invocation.status != 200:  # noqa: PLR2004  # the number is the name
            raise RuntimeApiLost(f"/invocation/next answered {invocation.status}")
        context = _context(invocation.headers)
        on_invocation(context)
        await _answer(api, app, context, invocation.body, state)


async def _answer(api: RuntimeApi, app: AsgiApp, context: LambdaContext, body: bytes, state: Mapping[str, Any]) -> None:
    failures = f"/invocation/{context.aws_request_id}/error"
    try:
        exchange = Exchange(api, context, json.loads(body))
    except ValueError as error:
        await api.report(failures, error, context)
        return
    exchange.scope["state"] = dict(state)
    failure = await _outcome(asyncio.ensure_future(app(exchange.scope, exchange.receive, exchange.send)))
    if exchange.has_begun:
        # A whole answer is a good one, whatever went wrong after it.
        await exchange.finish(None if exchange.is_whole else failure or RuntimeError("the answer is not whole"))
    else:
        await api.report(failures, failure or RuntimeError("there is no answer"), context)
    if isinstance(failure, asyncio.CancelledError):
        raise failure


async def _outcome(running: asyncio.Future[None]) -> BaseException | None:
    """Wait for the application's end; one that is told to stop may still say its last words."""
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError as stopped:
        running.cancel()
        await asyncio.wait({running}, timeout=_LAST_WORDS_SECONDS)
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
    """Write an error as JSON, as much of its trace as there is room for; the last frames say most."""
    frames = traceback.format_tb(error.__traceback__)
    while True:
        told = {"errorMessage": str(error)[:500], "errorType": _error_type(error), "stackTrace": frames}
        body = json.dumps(told).encode()
        if len(body) <= _MOST_ERROR_BYTES * 3 // 4 or not frames:
            return body
        frames = frames[1:]
