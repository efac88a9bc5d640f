"""The headers by which the Imbi API knows the caller's request again, and a call that it has carried out before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.version import NAME, version
from shared.observability import logs, trace_context
from shared.tools import sending

if TYPE_CHECKING:
    import httpx2

_USER_AGENT = f"{NAME}/{version()}"
_READING = frozenset({"GET", "HEAD"})
_SENT = ".send_request_headers.started"
"""The end of the name that httpcore gives to the moment before a request's first byte."""


def mark(request: httpx2.Request) -> None:
    """Set the headers of a request, and let the call's check run directly before its first byte is sent.

    A connection may take seconds to be made, and a process may be stopped meanwhile. A call whose answer has lost the
    conversation is not sent then.
    https://www.encode.io/httpcore/extensions/#trace
    https://www.ietf.org/archive/id/draft-ietf-httpapi-idempotency-key-header-07.html
    """
    trace = trace_context.current()
    request.headers["User-Agent"] = _USER_AGENT
    request.headers["traceparent"] = trace.parent
    if trace.state:
        request.headers["tracestate"] = trace.state
    if request_id := logs.bound().get("request_id"):
        request.headers["X-Request-ID"] = request_id
    call = sending.current()
    if call is None:
        return
    if call.idempotency_key is not None and request.method not in _READING:
        request.headers["Idempotency-Key"] = call.idempotency_key

    async def check(event: str, _details: object) -> None:
        if event.endswith(_SENT):
            await call.check()

    request.extensions = {**request.extensions, "trace": check}
