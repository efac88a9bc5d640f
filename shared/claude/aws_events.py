"""AWS's event streams, converted to server-sent events.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes the format.
"""

from __future__ import annotations

from base64 import b64decode
from collections import deque
from typing import TYPE_CHECKING, Self

import orjson
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]  # has no types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.util.response_bodies import ResponseBody

_KINDS = {
    "throttlingException": "rate_limit_error",
    "serviceUnavailableException": "overloaded_error",
    "modelTimeoutException": "timeout_error",
    "validationException": "invalid_request_error",
}
"""The Messages API's error types of Bedrock's exceptions; all others are `api_error`."""


class AwsEvents:
    """The body of a reply whose events are wrapped in AWS's format."""

    def __init__(self, body: ResponseBody) -> None:
        self._body = body
        self._buffer = EventStreamBuffer()
        self._events: deque[bytes] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next events that have arrived.

        Raises:
            StopAsyncIteration: the body was read to its end.
            botocore.exceptions.ParserError: the bytes are no event stream.
        """
        while not self._events:
            self._buffer.add_data(await anext(self._body))
            self._events.extend(_event(message.headers, message.payload) for message in self._buffer)
        events = b"".join(self._events)
        self._events.clear()
        return events

    def release(self, seconds: float) -> None:
        """Consume no more."""
        self._body.release(seconds)


def _event(headers: Mapping[str, object], payload: bytes) -> bytes:
    content = orjson.loads(payload)
    if headers.get(":message-type") != "event":
        name = str(headers.get(":exception-type") or headers.get(":error-code") or "")
        message = str(content.get("message") or headers.get(":error-message") or "")
        error = {"type": _KINDS.get(name, "api_error"), "message": message}
        return b"data: " + orjson.dumps({"type": "error", "error": error}) + b"\n\n"
    return b"data: " + b64decode(content.get("bytes", "")) + b"\n\n"
