"""The sessions that are open with one server: one for each caller, or a common one if the server has no sessions."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.tools.mcp.session import NegotiatedSession

_MAX_SESSIONS = 256
_MAX_IDLE_SECONDS = 600.0
_COMMON = ""
"""The key of the negotiated parameters of a server without sessions."""


class SessionStore:
    """Negotiated sessions by caller. No caller sees what another has left in a session."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, tuple[NegotiatedSession, float]] = OrderedDict()

    def find(self, subject: str) -> NegotiatedSession | None:
        """Return the caller's session, or the common one, or None."""
        session, _ = self._sessions.get(subject) or self._sessions.get(_COMMON) or (None, 0.0)
        return session

    def add(self, subject: str, session: NegotiatedSession) -> bool:
        """Store a session. Return False if the caller has another one by now; then nothing is stored."""
        key = subject if session.session_id else _COMMON
        if key in self._sessions and self._sessions[key][0] != session:
            return False
        self._sessions[key] = session, self._clock()
        self._sessions.move_to_end(key)
        return True

    def remove(self, subject: str, session: NegotiatedSession) -> None:
        """Remove a session that the server does not know any more."""
        for key in (subject, _COMMON):
            if key in self._sessions and self._sessions[key][0] == session:
                del self._sessions[key]

    def pop_expired(self) -> Iterator[NegotiatedSession]:
        """Remove and yield the sessions that were not used for 10 minutes, and the oldest ones above 256."""
        now = self._clock()
        while self._sessions:
            subject, (session, used_at) = next(iter(self._sessions.items()))
            if len(self._sessions) <= _MAX_SESSIONS and 0 <= now - used_at < _MAX_IDLE_SECONDS:
                return
            del self._sessions[subject]
            yield session

    def all(self) -> list[NegotiatedSession]:
        """List the sessions."""
        return [session for session, _ in self._sessions.values()]
