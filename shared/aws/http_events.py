"""The events of Function URLs and API Gateways as HTTP requests, and responses in the form that Lambda expects.

It depends only on the standard library, so it can be used in other projects without changes.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import unquote, urlencode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping

    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    AsgiApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
    _Request: TypeAlias = tuple[str, str, str, str, list[tuple[str, str]]]

WARM: dict[str, object] = {"warm": True}
"""The answer to an event that only keeps an environment warm."""
_SCHEDULERS = frozenset({"aws.events", "aws.scheduler", "serverless-plugin-warmup"})
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})
_HTTPS_PORT = 443
_IS_UNREADABLE = "aws.is_unreadable"


class Application(Protocol):
    """An ASGI application that is a coroutine function."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or the lifespan."""
        ...


class NotARequest(ValueError):
    """An event is not that of an HTTP request."""


def is_warm_up(event: object) -> bool:
    """Return whether an event only keeps the environment warm: it is empty, or a schedule of EventBridge sent it."""
    return event == {} or (
        isinstance(event, dict) and "requestContext" not in event and str(event.get("source")) in _SCHEDULERS
    )


def http_request(event: Message, context: object) -> tuple[Message, bytes]:
    """Convert an event to an ASGI scope and the body of the request; `answering_unreadable` refuses unreadable bodies.

    https://asgi.readthedocs.io/en/stable/specs/www.html

    Raises:
        NotARequest: the event is not that of an HTTP request.
    """
    scope = _scope(event, context)
    body = _body(event)
    return {**scope, _IS_UNREADABLE: body is None}, body or b""


def _scope(event: Message, context: object) -> Message:
    try:
        method, path, query, client, headers = _read_rest(event) if is_rest(event) else _read_http(event)
        raw_headers = [(_bytes(name), _bytes(value)) for name, value in headers]
        raw_path, raw_query, path = _bytes(path), _bytes(query), unquote(path)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotARequest(f"the event is not that of an HTTP request: {error!r}") from error
    fields = dict(headers)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": fields.get("x-forwarded-proto") or "https",
        "path": path,
        "raw_path": raw_path,
        "query_string": raw_query,
        "root_path": "",
        "headers": raw_headers,
        "client": (client, 0) if client else None,
        "server": (fields.get("host") or "lambda", _port(fields.get("x-forwarded-port"))),
        "aws.event": event,
        "aws.context": context,
    }


def is_rest(event: object) -> bool:
    """Return whether an event is a REST API's, of payload 1.0.

    Raises:
        NotARequest: the event is no JSON object.
    """
    if not isinstance(event, dict):
        raise NotARequest("the event is not that of an HTTP request: it is no JSON object")
    return "httpMethod" in event


def _read_http(event: Message) -> _Request:
    """Read payload 2.0, which joins several values of a header into one."""
    headers = [(name.lower(), _text(value)) for name, value in (event.get("headers") or {}).items()]
    if event.get("cookies"):
        headers.append(("cookie", "; ".join(map(_text, event["cookies"]))))
    http = event["requestContext"]["http"]
    return (
        _required(http["method"]),
        _required(event.get("rawPath") or "/"),
        _text(event.get("rawQueryString")),
        _text(http.get("sourceIp")),
        headers,
    )


def _read_rest(event: Message) -> _Request:
    """Read payload 1.0, whose query parameters are already decoded."""
    all_values = event.get("multiValueHeaders") or {
        name: [value] for name, value in (event.get("headers") or {}).items()
    }
    headers = [(name.lower(), _text(value)) for name, values in all_values.items() for value in values or [None]]
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    known = {name: "" if values is None else values for name, values in query.items()}
    client = _text((event["requestContext"].get("identity") or {}).get("sourceIp"))
    path = _required(event["path"] or "/")
    return _required(event["httpMethod"]), path, urlencode(known, doseq=True, errors="replace"), client, headers


def _required(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} where a text is expected")
    return value


def _text(value: object) -> str:
    """Return the text of a header or another field; a field without a value is empty."""
    return "" if value is None else str(value)


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _port(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else _HTTPS_PORT  # noqa: PLR2004  # a port has at most 5 digits


def _body(event: Message) -> bytes | None:
    """Return the request's body, which an event contains as text or as base64; None if it is neither."""
    body = event.get("body") or ""
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (ValueError, TypeError, AttributeError):
        return None


def answering_unreadable(app: AsgiApp) -> Application:
    """Return the application with an answer of its own, 400, to requests whose body cannot be read."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        await (_refuse if scope.get(_IS_UNREADABLE) else app)(scope, receive, send)

    return answer


async def _refuse(_scope: Message, _receive: Receive, send: Send) -> None:
    body = b'{"detail":"The body of the request cannot be read"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def response_fields(status: int, headers: Iterable[tuple[bytes, bytes]], *, is_rest: bool) -> dict[str, object]:
    """Return status, headers and cookies of a response as Lambda expects them."""
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        elif name not in _HOP_BY_HOP:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    fields: dict[str, object] = {"statusCode": status, "headers": joined}
    if cookies:
        fields |= {"multiValueHeaders": {"set-cookie": cookies}} if is_rest else {"cookies": cookies}
    return fields


def without_stage(scope: Mapping[str, Any], prefix: str) -> str:
    """Return a request's path without the name of an HTTP API's stage, which payload 2.0 puts before it.

    A path that begins with the service's own prefix is left as it is: a stage may have the same name.
    """
    path = str(scope["path"])
    context = scope["aws.event"].get("requestContext") or {}
    stage = f"/{context.get('stage')}"
    has_stage = "http" in context and stage != "/$default" and (path == stage or path.startswith(f"{stage}/"))
    if not has_stage or (prefix and (path == prefix or path.startswith(f"{prefix}/"))):
        return path
    return path.removeprefix(stage) or "/"
