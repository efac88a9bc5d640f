"""Events as Function URLs, HTTP APIs and REST APIs send them to a function."""

from __future__ import annotations

import base64
from typing import Any, TypeAlias
from urllib.parse import parse_qs

Event: TypeAlias = dict[str, Any]


def function_url_event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    cookies: list[str] | None = None,
    body: str | bytes | None = None,
) -> Event:
    """Return an event of payload 2.0; a body of bytes goes in base64."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "abc.lambda-url.eu-west-1.on.aws", "x-forwarded-proto": "https", **(headers or {})},
        **({"cookies": cookies} if cookies else {}),
        "requestContext": {
            "accountId": "anonymous",
            "domainName": "abc.lambda-url.eu-west-1.on.aws",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "t",
            },
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
        },
        **_body(body),
    }


def rest_api_event(
    method: str, path: str, *, query: str = "", headers: dict[str, str] | None = None, body: str | bytes | None = None
) -> Event:
    """Return an event of payload 1.0."""
    several = {name: [value] for name, value in {"Host": "api.example.com", **(headers or {})}.items()}
    parameters = parse_qs(query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}, "stage": "prod", "httpMethod": method},
        **_body(body),
    }


def _body(body: str | bytes | None) -> dict[str, Any]:
    if isinstance(body, bytes):
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": body, "isBase64Encoded": False}
