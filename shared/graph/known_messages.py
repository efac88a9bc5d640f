"""The messages that this process has read before, so that a long conversation is not parsed again for each question."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

from shared.graph import agtype, mapping

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.domain.models import StoredMessage
    from shared.graph.connector import Rows

_MOST_CHARACTERS = 16 * 1024 * 1024

_Known: TypeAlias = "Sequence[tuple[str, StoredMessage]]"
"""Texts with the messages that they describe."""


class KnownMessages:
    """Parses the rows of messages, and keeps those of the most recent conversations."""

    def __init__(self, most_characters: int = _MOST_CHARACTERS) -> None:
        self._most = most_characters
        self._size = 0
        self._conversations: OrderedDict[UUID, _Known] = OrderedDict()

    def read(self, conversation_id: UUID, rows: Rows) -> list[StoredMessage]:
        """Return the messages of a conversation's rows, whose only values are texts that were not parsed yet.

        A message whose text is the same as before is the same object.

        Raises:
            GraphError: a row is not a message.
        """
        known = self._conversations.pop(conversation_id, ())
        self._size -= _size(known)
        texts = [agtype.text(value) for (value,) in rows]
        same = 0
        for text, (before, _) in zip(texts, known, strict=False):
            if text != before:
                break
            same += 1
        parsed = [(text, mapping.message(agtype.parse(text.encode()))) for text in texts[same:]]
        known = [*known[:same], *parsed]
        self._keep(conversation_id, known)
        return [message for _, message in known]

    def _keep(self, conversation_id: UUID, known: _Known) -> None:
        self._conversations[conversation_id] = known
        self._size += _size(known)
        while self._size > self._most and len(self._conversations) > 1:
            _, oldest = self._conversations.popitem(last=False)
            self._size -= _size(oldest)


def _size(known: _Known) -> int:
    return sum(len(text) for text, _ in known)
