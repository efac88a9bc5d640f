"""Shows the events of an answer on a screen: text as it is, everything else as one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

from local.chat.endings import USUAL_STOPS
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
    printable,
)
from local.chat.receipt_lines import receipt_lines
from shared.domain import feedback

if TYPE_CHECKING:
    from local.chat.events import Event, Usage
    from local.chat.screen import Screen


def show(event: Event, screen: Screen) -> None:
    """Show an event."""
    match event:
        case TextAdded():
            screen.text(event.text)
        case BlockFinished() | ApprovalRequired() | AnswerDone(stop_reason=feedback.FEEDBACK_NOTED):
            # The text that follows an ApprovalRequired says what would happen, and a thumb costs no tokens.
            screen.finish_text()
        case ToolFinished():
            screen.settle(event.id, _tool_line(event))
            for line in receipt_lines(event):
                screen.note(line)
        case ToolStarted() | ToolCallBegun():
            screen.begin(event.id, f"⚙ {event.name} …")
        case ClientAction():
            screen.settle(event.id, _action_line(event))
        case AnswerDone():
            screen.complete(_done_line(event))
        case TitleUpdated():
            screen.note(f"Title: {event.title}")
        case AnswerFailed():
            screen.error(event.message)
        case _:
            assert_never(event)


def _tool_line(event: ToolFinished) -> str:
    mark = "✗" if event.is_error else "✓"
    return f"{mark} {event.name}" + (f" {event.duration_ms} ms" if event.duration_ms is not None else "")


def _action_line(event: ClientAction) -> str:
    path, resource = event.params.get("path"), event.params.get("resource")
    if event.action == "navigate_to" and isinstance(path, str):
        return printable(f"→ navigate to {path}")
    if event.action == "refresh_data" and isinstance(resource, str):
        return printable(f"→ refresh {resource}")
    return printable(f"→ {event.action} {json.dumps(event.params, ensure_ascii=False)}")


def _done_line(event: AnswerDone) -> str:
    stop = "" if event.stop_reason in USUAL_STOPS else f" · stopped: {event.stop_reason}"
    return _usage_line(event.usage) + stop


def _usage_line(usage: Usage) -> str:
    read = usage.cache_read_input_tokens
    total = usage.input_tokens + usage.cache_creation_input_tokens + read
    cached = f" ({read:,} from the cache)" if read else ""
    return f"{total:,} tokens in{cached} · {usage.output_tokens:,} out"
