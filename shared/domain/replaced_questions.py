"""The question that a new one replaces: an edited question, or one that is asked again right after its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.approvals import APPROVAL_REQUIRED
from shared.domain.errors import ConversationFull, NotReplaceable
from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.domain.models import Message, StoredMessage

_MOST_VERSIONS = 5
"""All questions of a conversation together, with the replaced ones, may be this many times the limit."""


def is_question(message: Message) -> bool:
    """Return whether a message is a user's question; the results of tools are stored as a user's message as well."""
    return message.role == "user" and not message.tool_results


def replaced_by(
    question: Message, earlier: Sequence[StoredMessage], replaces: UUID | None = None
) -> Sequence[StoredMessage]:
    """Return the messages that a question replaces: an earlier question and all that follows it; usually none.

    `replaces` names the earlier question. Without it, a question that repeats the last one replaces it. The blocks that
    the UI adds to a question do not count.

    Raises:
        NotReplaceable: `replaces` names no question of the conversation, or one that has been replaced.
    """
    current = [message for message in earlier if not message.is_superseded]
    if replaces is None:
        index = _repeated(question, current)
        return current[index:] if index is not None else ()
    for index, message in enumerate(current):
        if message.id == replaces and is_question(message):
            return current[index:]
    raise NotReplaceable


def check_limit(earlier: Sequence[StoredMessage], replaced: Sequence[StoredMessage], limit: int) -> None:
    """Check the number of questions. Replaced ones do not count, but they are limited as well.

    Raises:
        ConversationFull: the conversation takes no more questions.
    """
    questions = [message for message in earlier if is_question(message)]
    gone = {message.id for message in replaced}
    current = [message for message in questions if not message.is_superseded and message.id not in gone]
    if len(current) >= limit or len(questions) >= limit * _MOST_VERSIONS:
        raise ConversationFull


def _repeated(question: Message, current: Sequence[StoredMessage]) -> int | None:
    """Return the index of the last question if the new one repeats it."""
    index = next((i for i in reversed(range(len(current))) if is_question(current[i])), None)
    if index is None or _words(current[index]) != _words(question):
        return None
    # A message after parked calls may be the decision about them, such as "yes", and two decisions may be equal.
    parked = (*current[:index][-1:], *current[-1:])
    return None if any(map(_is_parked, parked)) else index


def _words(question: Message) -> str:
    return without_ui_blocks(question.content).strip() or question.content.strip()


def _is_parked(message: StoredMessage) -> bool:
    """Return whether the calls of a message wait for the user's decision, or did so when the next message came."""
    return bool(message.tool_use) or (message.outcome or {}).get("stop_reason") == APPROVAL_REQUIRED
