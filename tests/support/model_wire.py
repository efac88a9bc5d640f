"""The scripted model server's reading of requests and sending of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from local.messages_api import ApiError
from local.messages_api.errors import STATUS_OF_TYPE, error_body
from local.messages_api.http import check_headers, read_body
from tests.support.model_reply import HttpError, http_error
from tests.support.model_steps import Control, Failure, Frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.model_http import HttpRequest, Responder
    from tests.support.model_reply import Envelope, Reply

Json: TypeAlias = dict[str, Any]

MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"


async def send_stream(envelope: Envelope, answer: Reply, responder: Responder) -> str:
    """Send a reply as events; returns how it ended."""
    for part in envelope.parts(answer):
        if isinstance(part, Frame):
            await responder.write(part.data)
            envelope.told.update(_usage_in(part.data))
        elif part.action == "wait":
            await part.gate.pass_through()
        elif part.action == "end":
            break
        else:
            (responder.reset if part.action == "reset" else responder.cut)()
            return "broken off"
    await responder.finish()
    return "complete"


def _usage_in(frame: bytes) -> Json:
    """Return the counts in a `message_start` or a `message_delta`."""
    if b"\ndata: " not in frame or b'"usage"' not in frame:
        return {}
    told = orjson.loads(frame.split(b"\ndata: ", 1)[1])
    usage: Json = told.get("message", told).get("usage") or {}
    return usage


async def send_whole(envelope: Envelope, answer: Reply, responder: Responder) -> str:
    """Send a reply that is not streamed; what would happen in mid-stream happens before it."""
    for step in answer.steps:
        if isinstance(step, Failure):
            status = STATUS_OF_TYPE.get(step.type, 500)
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
        ApiError: the API would not accept them, or the body is no JSON object.
    """
    if http.method != "POST" or http.path not in {MESSAGES, COUNT_TOKENS}:
        raise ApiError("not_found_error", "Not Found")
    check_headers(http.headers)
    return read_body(http.content)


def refusal(error_type: str, message: str) -> HttpError:
    """Make an error that the SDK does not try again."""
    return http_error(STATUS_OF_TYPE[error_type], error_type, message, x_should_retry="false")


async def send_error(responder: Responder, answer: HttpError) -> None:
    """Send an error in the form of the API."""
    request_id = "req_011refused"
    content = error_body(answer.type, answer.message, request_id)
    await send_json(responder, answer.status, content, {"request-id": request_id, **answer.headers})


async def send_json(
    responder: Responder, status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> None:
    """Send a JSON body."""
    data = orjson.dumps(content)
    length = {"content-type": "application/json", "content-length": str(len(data))}
    await responder.start(status, length | dict(headers or {}))
    await responder.write(data)
    await responder.finish()
