"""How the scripted model server reads requests and sends answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from tests.support.model_reply import Control, Failure, Frame, HttpError, http_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.model_http import HttpRequest, Responder
    from tests.support.model_reply import Envelope, Reply

Json: TypeAlias = dict[str, Any]

MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"
STATUS_OF_ERROR = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}


class Refusal(Exception):
    """The API's answer to a request that it does not accept."""

    def __init__(self, answer: HttpError) -> None:
        super().__init__(answer.message)
        self.answer = answer


async def send_stream(envelope: Envelope, answer: Reply, responder: Responder) -> str:
    """Send a reply as events; returns how it ended."""
    for part in envelope.parts(answer):
        if isinstance(part, Frame):
            await responder.write(part.data)
        elif part.action == "wait":
            await part.gate.pass_through()
        elif part.action == "end":
            break
        else:
            (responder.reset if part.action == "reset" else responder.cut)()
            return "broken off"
    await responder.finish()
    return "complete"


async def send_whole(envelope: Envelope, answer: Reply, responder: Responder) -> str:
    """Send a reply that is not streamed; what would happen in mid-stream happens before it."""
    for step in answer.steps:
        if isinstance(step, Failure):
            status = STATUS_OF_ERROR.get(step.type, 500)
            await send_error(responder, http_error(status, step.type, step.message))
            return "complete"
        if isinstance(step, Control) and step.action == "wait":
            await step.gate.pass_through()
        elif isinstance(step, Control) and step.action in {"reset", "cut"}:
            (responder.reset if step.action == "reset" else responder.cut)()
            return "broken off"
    await send_json(responder, 200, envelope.message(answer))
    return "complete"


def checked(http: HttpRequest) -> Json:
    """Read the body of a request whose path and headers are right.

    Raises:
        Refusal: the API would not accept them, or the body is no JSON object.
    """
    if http.method != "POST" or http.path not in {MESSAGES, COUNT_TOKENS}:
        raise refusal(404, "not_found_error", "Not Found")
    has_token = http.headers.get("authorization", "").startswith("Bearer ")  # what the SDK sends a key as
    if not (http.headers.get("x-api-key") or has_token):
        raise refusal(401, "authentication_error", "x-api-key header is required")
    if not http.headers.get("anthropic-version"):
        raise refusal(400, "invalid_request_error", "anthropic-version: header is required")
    if not http.headers.get("content-type", "").startswith("application/json"):
        raise refusal(400, "invalid_request_error", "content-type: must be application/json")
    try:
        body = orjson.loads(http.content)
    except orjson.JSONDecodeError as problem:
        raise refusal(400, "invalid_request_error", f"The request body is not valid JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise refusal(400, "invalid_request_error", "The request body is not a JSON object")
    return body


def refusal(status: int, error_type: str, message: str) -> Refusal:
    """Make a refusal that the SDK does not try again."""
    return Refusal(http_error(status, error_type, message, x_should_retry="false"))


async def send_error(responder: Responder, answer: HttpError) -> None:
    """Send an error in the form of the API."""
    failure = {"type": answer.type, "message": answer.message}
    content = {"type": "error", "error": failure, "request_id": "req_011refused"}
    await send_json(responder, answer.status, content, answer.headers)


async def send_json(responder: Responder, status: int, content: Json, headers: Mapping[str, str] | None = None) -> None:
    """Send a JSON body."""
    data = orjson.dumps(content)
    length = {"content-type": "application/json", "content-length": str(len(data))}
    await responder.start(status, length | dict(headers or {}))
    await responder.write(data)
    await responder.finish()
