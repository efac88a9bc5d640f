"""HTTP/1.1 connections (RFC 9112) with bounds for the time of a request, the size of its head, and the time to read."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

log = logging.getLogger(__name__)

_FIELD_OVERHEAD = 32
"""The bytes that each header field counts beside its text, so that the number of fields is bounded as well."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The bounds of each connection."""

    head_seconds: float = 10.0
    """The time from a connection's opening, or from the first byte of a further request, to the end of the head."""
    body_seconds: float = 30.0
    """The time from the end of the head to the end of the body."""
    head_bytes: int = 65_536
    """The size of a request's line, header fields and trailer fields."""
    stall_seconds: float = 75.0
    """The time in which a client must read some of a response that waits for it; streams of answers wait less."""


class _HeadTooLarge(Exception):
    """Raised to stop the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which has no bounds of its own but for idle connections.

    A request that is too slow gets 408, and one whose head is too large gets 431. A connection on which no request
    began is closed without a response.
    """

    limits = ConnectionLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._is_in_head = True
        self._received_bytes = 0
        """The bytes that arrived while the head was incomplete."""
        self._field_bytes = 0
        self._wait(self.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, and refuse a head that grows too large without an end."""
        if self.transport.is_closing():
            return
        if self._timer is None:
            self._wait(self.limits.head_seconds)
        if self._is_in_head:
            self._received_bytes += len(data)
        super().data_received(data)
        # The parser keeps an incomplete field to itself, so the fields alone do not show its size.
        if self._is_in_head and self._received_bytes > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that the parser could not read, or that was stopped because its head is too large."""
        if self._field_bytes > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            super().send_400_response(msg)
            self._abort_later()

    def on_message_begin(self) -> None:
        """Begin to wait for the end of the head."""
        super().on_message_begin()
        self._has_begun = True
        self._field_bytes = 0
        if self._timer is None:
            self._wait(self.limits.head_seconds)

    def on_url(self, url: bytes) -> None:
        """Count the piece of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the header field or trailer field."""
        self._count(len(name) + len(value) + _FIELD_OVERHEAD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to wait for the end of the body."""
        super().on_headers_complete()
        self._is_in_head = False
        self._wait(self.limits.body_seconds)

    def on_message_complete(self) -> None:
        """Stop waiting: from here on, the time is the service's own."""
        super().on_message_complete()
        self._has_begun = False
        self._is_in_head = True
        self._received_bytes = 0
        self._stop_waiting()

    def on_response_complete(self) -> None:
        """Do not wait without end for a client that reads the rest of a response on a closing connection."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        """Stop waiting for a client that reads again."""
        super().resume_writing()
        if self._stall is not None and not self.transport.is_closing():
            self._stall.cancel()
            self._stall = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._abort_later()

    def _count(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > self.limits.head_bytes:
            raise _HeadTooLarge

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self._expire)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        """Close the connection, unless the service itself is still busy with a complete request on it."""
        cycle = self._last_cycle
        is_answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        if is_answering or self.flow.read_paused:
            self._wait(self.limits.head_seconds)
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Close the connection, with a response if a request has begun and has none."""
        if self.transport.is_closing():
            return
        log.info("a request was refused: %s", status.phrase)
        if self._may_respond():
            self.transport.write(_response(status))
        self.transport.close()
        self._abort_later()

    def _may_respond(self) -> bool:
        """Return whether a response would be taken for that to the incomplete request."""
        if not self._has_begun or self.pipeline:
            return False
        cycle = self._last_cycle
        if cycle is None:
            return True
        return cycle.response_complete if self._is_in_head else not cycle.response_started

    @property
    def _last_cycle(self) -> RequestResponseCycle | None:
        """The last request whose head is complete, with its response; None before the first one."""
        return self.cycle

    def _abort_later(self) -> None:
        if self._stall is None:
            self._stall = self.loop.call_later(self.limits.stall_seconds, self.transport.abort)


def _response(status: HTTPStatus) -> bytes:
    body = json.dumps({"detail": status.phrase}).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def protocol_with(bounds: ConnectionLimits) -> type[BoundedProtocol]:
    """Return the protocol with these bounds."""

    class LimitedProtocol(BoundedProtocol):
        limits = bounds

    return LimitedProtocol
