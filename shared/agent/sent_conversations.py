"""The messages of the most recent conversations, as they were sent, so that each is converted and encoded once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.agent.sent_messages import SentMessages

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from uuid import UUID

    from shared.domain.models import HistoryEdits, Message

_MOST_BYTES = 16 * 1024 * 1024


class SentConversations:
    """Keeps the messages to send of stored conversations."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[UUID, SentMessages] = OrderedDict()

    def begin(
        self,
        conversation_id: UUID,
        stored: Sequence[tuple[int, Message]],
        edits: HistoryEdits,
        tool_names: Container[str],
    ) -> SentMessages:
        """Return the messages to send for stored messages; the caller may add others.

        What was converted before is used again if the conversation begins with the same objects, which the repository
        returns for unchanged messages.
        """
        kept = self._kept.pop(conversation_id, None)
        if kept is not None:
            self._size -= kept.size
        if kept is None or not _is_beginning(kept, stored, edits, tool_names):
            kept = SentMessages(edits, tool_names)
        for sequence, message in stored[len(kept.added) :]:
            kept.add(sequence, message)
        self._kept[conversation_id] = kept
        self._size += kept.size
        while self._size > self._most and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size
        return kept.copy()


def _is_beginning(
    kept: SentMessages, stored: Sequence[tuple[int, Message]], edits: HistoryEdits, tool_names: Container[str]
) -> bool:
    is_same = kept.edits == edits and kept.tool_names == tool_names and len(kept.added) <= len(stored)
    return is_same and all(before is now for before, (_, now) in zip(kept.added, stored, strict=False))
