"""The limit of the model's context window: the parts of a history that are left out if it is too long.

The public functions return a further edit of the history. It applies for the rest of the conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.models import HistoryEdits

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from shared.agent.history import History
    from shared.domain.models import Message

_BYTES_PER_TOKEN = 4
_SHARE_KEPT = 0.5
"""Old results are left out until the history takes at most this share of the limit."""


def clear_old_results(
    history: History, limit: int, tool_names: Container[str], *, checks_thinking: bool
) -> HistoryEdits | None:
    """Leave out the oldest tool results of a history of more than `limit` tokens, estimated by its bytes.

    The newest results are left out last, and the results of the running round never.
    """
    if estimated_tokens(history, tool_names) <= limit:
        return None
    chosen: int | None = None
    for chosen in _clearable(history):
        if estimated_tokens(history.with_edits(HistoryEdits(results=chosen)), tool_names) <= limit * _SHARE_KEPT:
            break
    return None if chosen is None else _bound(history, HistoryEdits(results=chosen), checks_thinking=checks_thinking)


def shorten(history: History, *, checks_thinking: bool) -> HistoryEdits | None:
    """Leave out more of a history that was too long for the model; return None if nothing more can be left out.

    The steps are: the results of earlier rounds, then the older half of the questions, then the results of this round.
    """
    for edits in (_earlier_results(history), _older_half(history), _all_results(history)):
        if edits is not None and history.edits | edits != history.edits:
            return _bound(history, edits, checks_thinking=checks_thinking)
    return None


def estimated_tokens(history: History, tool_names: Container[str] = ()) -> int:
    """Estimate the tokens of a history from its bytes."""
    return history.to_send(tool_names).size // _BYTES_PER_TOKEN


def _bound(history: History, edits: HistoryEdits, *, checks_thinking: bool) -> HistoryEdits:
    """Add the removal of the thinking that the edit makes invalid."""
    return edits | HistoryEdits(thinking=history.last) if checks_thinking else edits


def _clearable(history: History) -> Iterator[int]:
    """Yield the sequences of the messages whose results may be cleared, oldest first, without the running round."""
    with_results = [sequence for sequence, message in history.messages if message.tool_results]
    running = with_results[-1:] if with_results and with_results[-1] == history.last else []
    return (sequence for sequence in with_results if sequence not in running and sequence > history.edits.results)


def _earlier_results(history: History) -> HistoryEdits | None:
    sequences = list(_clearable(history))
    return HistoryEdits(results=sequences[-1]) if sequences else None


def _older_half(history: History) -> HistoryEdits | None:
    questions = [sequence for sequence, message in history.messages if _is_question(message)]
    sent = [sequence for sequence in questions if sequence >= history.edits.first]
    return HistoryEdits(first=_middle(sent)) if len(sent) > 1 else None


def _middle(sequences: Sequence[int]) -> int:
    return sequences[(len(sequences) + 1) // 2]


def _all_results(history: History) -> HistoryEdits | None:
    return HistoryEdits(results=history.last)


def _is_question(message: Message) -> bool:
    return message.role == "user" and not message.tool_results
