"""The service's OpenAPI document: what FastAPI derives from the routes, with the responses that all routes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.http.event_schemas import event_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

_EVENT_STREAM = "text/event-stream"
_ERROR = {"$ref": "#/components/schemas/ErrorDetail"}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds until a retry can help", "schema": {"type": "string"}}}
_CHALLENGE = {
    "WWW-Authenticate": {"description": "`Bearer` (RFC 6750)", "required": True, "schema": {"type": "string"}}
}
_DESCRIPTIONS = {
    "400": "The conversation has reached its maximum number of turns",
    "401": "The token is missing, malformed, expired or revoked, or its user is unknown or inactive",
    "403": "The caller is a service account, or lacks the permission",
    "404": "There is no such thing, or it is another user's",
    "409": "Another change or answer is in the way",
    "413": "The body is too long",
    "422": "The request is not valid",
    "429": "A budget or a rate of the user is used up",
    "503": "The database cannot be reached, or the assistant is not available",
}
_HEADERS = {"401": _CHALLENGE, "409": _RETRY_AFTER, "429": _RETRY_AFTER, "503": _RETRY_AFTER}
_STREAM = {"itemSchema": {"$ref": "#/components/schemas/AnswerEvent"}}
"""OpenAPI 3.2 describes each item of a stream by `itemSchema`. FastAPI writes it into documents of 3.1 as well."""


def install(app: FastAPI) -> None:
    """Let an application publish the complete document. Like FastAPI, it is made once, when it is first asked for."""
    derive = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(derive())
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return FastAPI's document with the responses that the dependencies and the middleware give."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["ErrorDetail"] = _error_schema()
    schemas["AnswerEvent"] = event_schema()
    for path, method, operation in _operations(document):
        responses = operation["responses"]
        for status in _shared_statuses(path, method, operation):
            responses.setdefault(status, {})
        for status, response in responses.items():
            _complete(status, response)
        operation["responses"] = dict(sorted(responses.items()))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _shared_statuses(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    """Return the statuses that an operation may have because of its dependencies and the middleware."""
    if not operation.get("security"):
        return []
    statuses = ["401", "403", "503"]
    if "{" in path:
        statuses.append("404")
    if method not in {"get", "head"}:
        # Nobody needs a body to be refused for one that is too long.
        statuses += ["409", "413"]
    if _EVENT_STREAM in operation["responses"].get("200", {}).get("content", {}) and method == "post":
        statuses += ["400", "429"]
    return statuses


def _complete(status: str, response: dict[str, Any]) -> None:
    """Complete one response: its description, the schema of its body, and its headers."""
    content = response.get("content", {})
    if _EVENT_STREAM in content and status == "200":
        content[_EVENT_STREAM] = _STREAM
    if not status.startswith(("4", "5")):
        return
    if response.get("description") in {None, "Validation Error"}:
        response["description"] = _DESCRIPTIONS.get(status, "The request failed")
    described = [each.get("schema", {}).get("$ref") for each in content.values()]
    if not any(schema and schema != _ERROR["$ref"] and "ValidationError" not in schema for schema in described):
        response["content"] = {"application/json": {"schema": _ERROR}}
    if status in _HEADERS:
        response.setdefault("headers", {}).update(_HEADERS[status])


def _error_schema() -> dict[str, Any]:
    """Return the schema of every error's body: a sentence, or a list of the errors in the request."""
    location = {"type": "array", "items": {"type": ["string", "integer"]}}
    error = {
        "type": "object",
        "properties": {"type": {"type": "string"}, "loc": location, "msg": {"type": "string"}},
        "required": ["type", "loc", "msg"],
    }
    return {
        "type": "object",
        "title": "ErrorDetail",
        "description": "The reason for a failed request: a sentence, or a list of the errors in it.",
        "properties": {"detail": {"anyOf": [{"type": "string"}, {"type": "array", "items": error}]}},
        "required": ["detail"],
    }
