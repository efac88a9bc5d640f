"""Mangum as the adapter of functions whose responses Lambda's own Python runtime returns whole.

Mangum calls the application; events are read and responses written as for functions that stream, so that both kinds
give the same answers. https://mangum.fastapiexpert.com/adapter/
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from shared.aws.http_events import answering_unreadable, http_request, is_rest, response_fields

if TYPE_CHECKING:
    from mangum import Mangum
    from mangum.types import Response

    from shared.aws.http_events import AsgiApp, Message


class EventHandler:
    """One invocation: the request of its event, and the result for Lambda. It implements Mangum's `LambdaHandler`."""

    def __init__(self, event: Message, context: object, _config: object) -> None:
        """Read the event.

        Raises:
            NotARequest: the event is not that of an HTTP request.
        """
        self._is_rest = is_rest(event)
        self.scope, self.body = http_request(event, context)

    @classmethod
    def infer(cls, _event: Message, _context: object, _config: object) -> bool:
        """Return True: this handler reads every event, and refuses those of other kinds."""
        return True

    def __call__(self, response: Response) -> dict[str, Any]:
        """Return the result for Lambda: the body as text if it is UTF-8, in base64 otherwise."""
        body = response["body"]
        headers = [(name, value) for name, value in response["headers"]]
        fields = response_fields(response["status"], headers, is_rest=self._is_rest)
        try:
            return {**fields, "body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            return {**fields, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def adapter(app: AsgiApp) -> Mangum:
    """Return a function of an event and its context that calls the application and returns its response."""
    from mangum import Mangum  # noqa: PLC0415  # only these functions need it

    # Mangum would run the whole lifespan, start-up and shutdown, at every invocation.
    return Mangum(answering_unreadable(app), lifespan="off", custom_handlers=[EventHandler])
