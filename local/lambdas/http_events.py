"""HTTP requests as the events that Function URLs and API Gateways send to a function, and its results as responses.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import parse_qs, unquote
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

Payload: TypeAlias = Literal["2.0", "1.0"]
_ACCOUNT = "123456789012"
_TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"


@dataclass(frozen=True, slots=True)
class Head:
    """The status and the headers of a response."""

    status: int
    headers: list[tuple[bytes, bytes]]


def event_of(request: Request, body: bytes, payload: Payload) -> dict[str, Any]:
    """Return a request as an event: 2.0 as a Function URL sends it, 1.0 as a REST API does."""
    make: Callable[[Request, list[tuple[str, str]]], dict[str, Any]] = _url_event if payload == "2.0" else _rest_event
    return {**make(request, _headers(request)), **_body(body)}


def head_of(result: dict[str, Any]) -> Head:
    """Return the head of a response, from a prelude or a buffered result of either payload."""
    headers = [(str(name), str(value)) for name, value in (result.get("headers") or {}).items()]
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers = [each for each in headers if each[0].lower() != name.lower()]
        headers += [(str(name), str(value)) for value in values]
    headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or ()]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    return Head(int(result["statusCode"]), raw)


def body_of(result: dict[str, Any]) -> bytes:
    """Return the body of a buffered result."""
    body = str(result.get("body") or "")
    return base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()


def _headers(request: Request) -> list[tuple[str, str]]:
    host = request.headers.get("host", "localhost")
    client = request.client.host if request.client else ""
    forwarded = [
        ("x-forwarded-for", client),
        ("x-forwarded-proto", request.url.scheme),
        ("x-forwarded-port", host.rpartition(":")[2] if ":" in host else "80"),
        ("x-amzn-trace-id", _TRACE),
    ]
    added = {name for name, _ in forwarded}
    return [(name, value) for name, value in request.headers.items() if name not in added] + forwarded


def _url_event(request: Request, headers: list[tuple[str, str]]) -> dict[str, Any]:
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    cookies = joined.pop("cookie", None)
    path, query = _raw_path(request), request.url.query
    parameters = {name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"cookies": [each.strip() for each in cookies.split(";")]} if cookies else {}),
        "headers": joined,
        **({"queryStringParameters": parameters} if parameters else {}),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": joined.get("host", ""),
            "domainPrefix": "local",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client.host if request.client else "",
                "userAgent": joined.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "timeEpoch": int(time.time() * 1000),
        },
    }


def _rest_event(request: Request, headers: list[tuple[str, str]]) -> dict[str, Any]:
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    parameters = parse_qs(request.url.query, keep_blank_values=True)
    path = unquote(_raw_path(request))
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": _ACCOUNT,
            "apiId": "local",
            "httpMethod": request.method,
            "identity": {"sourceIp": request.client.host if request.client else ""},
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid4()),
            "resourcePath": "/{proxy+}",
            "stage": "live",
        },
    }


def _raw_path(request: Request) -> str:
    return bytes(request.scope["raw_path"]).decode("latin-1")


def _body(body: bytes) -> dict[str, Any]:
    if not body:
        return {"body": None, "isBase64Encoded": False}
    try:
        return {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
