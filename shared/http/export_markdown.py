"""A conversation as a Markdown document (CommonMark), message by message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from datetime import datetime

    from shared.chat.shown_messages import ShownMessage
    from shared.domain.models import Conversation

_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~]")
_FENCES = ("```", "~~~")
_MAX_INDENT = 3
"""A line with more spaces at its beginning is code, and opens no fence."""
_HTML_BLOCKS = ("<!", "<?", "<script", "<pre", "<style", "<textarea")
"""What opens a block of HTML that may hide everything after it: https://spec.commonmark.org/0.31.2/#html-blocks"""


def heading(conversation: Conversation) -> str:
    """Return the beginning of the document: the title and the facts about the conversation."""
    return (
        f"# {_plain(conversation.title or 'Conversation')}\n\n"
        f"- Begun: {_time(conversation.created_at)}\n"
        f"- Last changed: {_time(conversation.updated_at)}\n"
        f"- Model: {_plain(conversation.model)}\n"
    )


def message(shown: ShownMessage) -> str:
    """Return a message with its time and the names of its tools; nothing if it has neither text nor tools.

    Results of tools are left out, and so are the blocks that the UI adds to a question.
    """
    stored = shown.message
    is_question = stored.role == "user"
    text = "" if stored.tool_results else stored.content
    text = (without_ui_blocks(text) if is_question else text).rstrip().lstrip("\r\n")
    tools = sorted({_plain(str(call.get("name"))) for call in stored.tool_use or ()})
    if not text and not tools:
        return ""
    parts = [f"## {'Question' if is_question else 'Answer'}, {_time(stored.created_at)}"]
    if text:
        # A quotation ends whatever the text has left open.
        parts.append("\n".join(f"> {line}".rstrip() for line in text.split("\n")) if is_question else contained(text))
    if tools:
        parts.append(f"Tools: {', '.join(tools)}")
    if shown.error is not None:
        parts.append(f"*The answer failed: {_plain(shown.error.message)}*")
    elif shown.is_partial:
        parts.append("*This answer was interrupted.*")
    return "\n" + "\n\n".join(parts) + "\n"


def contained(text: str) -> str:
    """Return a Markdown text in which no code block and no HTML reaches beyond its end."""
    lines = []
    open_fence = ""
    for line in text.split("\n"):
        fence = _fence_of(line)
        if open_fence:
            if fence.startswith(open_fence) and not line.strip().strip(fence[0]):
                open_fence = ""
        elif fence:
            open_fence = fence
        elif line.lstrip().lower().startswith(_HTML_BLOCKS):
            line = line.replace("<", "\\<", 1)  # noqa: PLW2901  # the line that is written
        lines.append(line)
    return "\n".join([*lines, open_fence] if open_fence else lines)


def _fence_of(line: str) -> str:
    """Return the run of backticks or tildes that a line begins with, if it can be a fence."""
    text = line.lstrip(" ")
    if len(line) - len(text) > _MAX_INDENT or not text.startswith(_FENCES):
        return ""
    return text[: len(text) - len(text.lstrip(text[0]))]


def _plain(text: str) -> str:
    """Return a text on one line, without a meaning in Markdown."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], " ".join(text.split()))


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M %Z}"
