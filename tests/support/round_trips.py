"""The statements that a PostgreSQL client sends, by round trip: read from its bytes."""

from __future__ import annotations

import struct

HEADER = 5
ENDS_A_ROUND_TRIP = b"SQ"
"""Sync and Query: the messages after which a client waits for ReadyForQuery."""

PARSE, BIND, QUERY = b"P", b"B", b"Q"
"""The messages that carry a statement's text, and the one that runs a statement which has a name."""


FRAMES = "imbi_assistant_frame"
"""The table of frames, which are written at most five times a second for all answers together."""
BESIDE_REQUESTS = ("LOAD 'age'", "SET search_path", "UPDATE")
"""Statements for a new connection, and the renewal of leases once a second: no request causes them."""


def statement_of(kind: bytes, body: bytes) -> str:
    """Return the text of a Parse (after its name) or of a Query."""
    parts = body.split(b"\0")
    return " ".join(parts[0 if kind == b"Q" else 1].decode().split())


class RoundTrips:
    """Follows a client's messages; a round trip is the statements that it sends before it waits for their results."""

    def __init__(self) -> None:
        self.trips: list[list[str]] = []
        self._statements: list[str] = []
        self._rest = b""
        self._has_started = False
        self._prepared: dict[bytes, str] = {}

    def feed(self, data: bytes) -> None:
        """Read a piece of the client's bytes."""
        self._rest += data
        while len(self._rest) >= HEADER:
            kind, length = (self._rest[:1], self._rest[1:HEADER]) if self._has_started else (b"", self._rest[:4])
            size = struct.unpack("!I", length)[0] + len(kind)
            if len(self._rest) < size:
                return
            body, self._rest = self._rest[HEADER:size], self._rest[size:]
            if self._has_started:
                self._take(kind, body)
            self._has_started = True

    def _take(self, kind: bytes, body: bytes) -> None:
        if kind == QUERY:
            self._statements.append(statement_of(kind, body))
        elif kind == PARSE:
            self._prepared[body.split(b"\0")[0]] = statement_of(kind, body)
        elif kind == BIND:
            self._statements.append(self._prepared.get(body.split(b"\0")[1], ""))
        if kind in ENDS_A_ROUND_TRIP:
            self.trips.append(self._statements)
            self._statements = []


def queries(trips: list[list[str]]) -> list[list[str]]:
    """Return the round trips that requests caused."""
    return [trip for trip in trips if trip and not _is_beside_requests(trip)]


def _is_beside_requests(trip: list[str]) -> bool:
    return trip[0].startswith(BESIDE_REQUESTS) or any(FRAMES in statement for statement in trip)
