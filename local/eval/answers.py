"""What an answer had: its text, its tool calls, its tokens and its end, collected from its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from local.chat.events import (
    AnswerDone,
    AnswerFailed,
    ApprovalRequired,
    BlockFinished,
    ClientAction,
    TextAdded,
    TitleUpdated,
    ToolCallBegun,
    ToolFinished,
    ToolStarted,
    Usage,
)

if TYPE_CHECKING:
    from local.chat.events import Event

_USUAL_STOPS = frozenset({None, "end_turn", "stop_sequence", "approval_required"})
_CALLS_ANOTHER = "call_tool"
"""The tool through which some models call the tools that they have found; the real name comes with its start."""


@dataclass(slots=True)
class GivenAnswer:
    """An answer so far."""

    text: str = ""
    tools: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """The names of the calls that wait for an approval."""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    failure: str | None = None
    """A sentence that says why there is no complete answer; None if there is one."""

    def take(self, event: Event) -> None:
        """Add an event."""
        match event:
            case TextAdded():
                self.text += event.text
            case BlockFinished():
                self.text += "\n" if self.text and not self.text.endswith("\n") else ""
            case ToolStarted() | ToolFinished() | ToolCallBegun():
                self._note(event.name)
            case ApprovalRequired():
                self.asked += [call.name for call in event.calls]
            case AnswerDone():
                self.usage = event.usage
                if event.stop_reason not in _USUAL_STOPS:
                    self.failure = f"The answer ended early: {event.stop_reason}."
            case AnswerFailed():
                self.failure = f"The answer failed: {event.message}"
            case ClientAction() | TitleUpdated():
                pass
            case _:
                assert_never(event)

    def _note(self, name: str) -> None:
        if name not in self.tools and name != _CALLS_ANOTHER:
            self.tools.append(name)
