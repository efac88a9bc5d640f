"""The tools that are left out or have changed, in sentences for the log and for the result of a refresh."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.tools.mcp.changes import ToolChange

log = logging.getLogger(__name__)

_MAX_NAMES_IN_NOTE = 20
_NAMES_IN_LOG_LINE = 50
_MAX_NAME_CHARS = 64


def log_over_limit(server: str, names: Sequence[str], limit: str) -> None:
    """Log the names of the tools that exceed a limit, some on each line."""
    for start in range(0, len(names), _NAMES_IN_LOG_LINE):
        some = ", ".join(map(_safe, names[start : start + _NAMES_IN_LOG_LINE]))
        log.warning("tools of %s are left out because of the limits %s: %s", server, limit, some)


def log_unusable(server: str, unusable: Mapping[str, str]) -> None:
    """Log the tools that the Messages API would not accept, with the reasons."""
    for name, reason in unusable.items():
        log.warning("the tool %.80r of %s is left out: %s", name, server, reason)


def report_notes(
    *, left_out: Sequence[str], unusable: Mapping[str, str], changes: Sequence[ToolChange], is_truncated: bool
) -> tuple[str, ...]:
    """Describe the left-out and the changed tools for the model, one sentence for each kind.

    Names come from the server. They are shortened and cleaned, so that they cannot carry instructions.
    """
    notes: list[str] = []
    if left_out:
        notes.append(f"Left out because of the size limits: {_listed(map(_safe, left_out))}.")
    if is_truncated:
        notes.append("The server has more tools than are read.")
    if unusable:
        notes.append(f"Left out: {_listed(f'{_safe(name)} ({reason})' for name, reason in unusable.items())}.")
    if changes:
        parts = (f"{_safe(change.name)} ({' and '.join(change.parts).replace('_', ' ')})" for change in changes)
        notes.append(f"Changed by the server since they were first seen: {_listed(parts)}.")
    return tuple(notes)


def _listed(items: Iterable[str]) -> str:
    every = list(items)
    more = len(every) - _MAX_NAMES_IN_NOTE
    return ", ".join(every[:_MAX_NAMES_IN_NOTE]) + (f" and {more} more" if more > 0 else "")


def _safe(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_.-]+", "_", name[:_MAX_NAME_CHARS])
