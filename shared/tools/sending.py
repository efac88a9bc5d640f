"""What goes with a call while it is sent: its idempotency key, and the check that it may still be sent."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

Check: TypeAlias = "Callable[[], Awaitable[None]]"
"""Raises ConversationLost if the answer that makes the call has lost its conversation."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A call that is being sent."""

    idempotency_key: str | None
    """The key of a call that changes something; an API that knows it does not carry the call out again."""
    check: Check


_current: ContextVar[Sending | None] = ContextVar("sending", default=None)


@contextmanager
def sending(call: Sending) -> Iterator[None]:
    """Set the call that this task sends."""
    mark = _current.set(call)
    try:
        yield
    finally:
        _current.reset(mark)


@contextmanager
def without_key() -> Iterator[None]:
    """Send requests that only read, beside the call: the call's key must not belong to two different requests."""
    call = _current.get()
    mark = _current.set(Sending(None, call.check) if call is not None else None)
    try:
        yield
    finally:
        _current.reset(mark)


def current() -> Sending | None:
    """Return the call that this task sends, or None outside of a call."""
    return _current.get()
