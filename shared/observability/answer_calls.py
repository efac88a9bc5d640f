"""The tool calls of an answer, followed by its events: which tools, how each call ended, and in how many rounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.events import BlockFinished, ClientActionRequested, ToolFinished, ToolStarted

if TYPE_CHECKING:
    from shared.domain.events import AnswerEvent

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
NO_NAME = "unknown"
"""Stands for a name that only the model wrote: there is no such tool."""


@dataclass(frozen=True, slots=True)
class ReportedCall:
    """A call: the name of the tool, and `ok`, the code of the failure, or `unfinished`."""

    name: str
    status: str

    def __str__(self) -> str:
        return f"{self.name}:{self.status}"


@dataclass(slots=True)
class AnswerCalls:
    """Follows the events of one answer."""

    rounds: int = 0
    _calls: dict[str, ReportedCall] = field(default_factory=dict)
    _is_in_calls: bool = False

    @property
    def calls(self) -> tuple[ReportedCall, ...]:
        """All calls, in the order in which they began."""
        return tuple(self._calls.values())

    @property
    def errors(self) -> int:
        """The number of calls that ended with an error."""
        return sum(each.status not in {"ok", "unfinished"} for each in self.calls)

    def follow(self, event: AnswerEvent) -> None:
        """Take one event."""
        match event:
            case ToolStarted(call_id, name):
                self._calls[call_id] = ReportedCall(shown_name(name), "unfinished")
            case ToolFinished(call_id, name, is_error):
                status = (event.reason or "failed") if is_error else "ok"
                shown = NO_NAME if event.reason == "unknown_tool" else shown_name(name)
                self._end(call_id, ReportedCall(shown, status))
            case ClientActionRequested(call_id, action):
                self._end(call_id, ReportedCall(shown_name(action), "ok"))
            case BlockFinished():
                self._is_in_calls = False
            case _:
                pass

    def _end(self, call_id: str, call: ReportedCall) -> None:
        self._calls[call_id] = call
        # The calls of one reply are one round.
        self.rounds += not self._is_in_calls
        self._is_in_calls = True


def shown_name(name: str) -> str:
    """Return a name as far as it may be shown: a text that is no name of a tool could be anything."""
    return name if _NAME.fullmatch(name) else NO_NAME
