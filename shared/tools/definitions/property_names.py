"""Names of properties that the Messages API accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Container

_MAX_STEM_CHARS = 60
_MAX_SHOWN_CHARS = 100

PROPERTY_NAME = bounded(r"[a-zA-Z0-9_.-]{1,64}", 65)
"""The names of properties that the Messages API accepts."""

_REFUSED = bounded(r"[^a-zA-Z0-9_.-]", _MAX_STEM_CHARS)


def accepted_name(wanted: str, taken: Container[str]) -> str:
    """Return a name that the Messages API accepts and that is not taken: `page[size]` becomes `page_size_`."""
    stem = wanted if PROPERTY_NAME.fullmatch(wanted) else (_REFUSED.sub("_", wanted) or "_")
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem[:_MAX_STEM_CHARS]}_{number}"
    return name


def with_real_name(description: str, real_name: str) -> str:
    """Add the real name of a renamed parameter to its description."""
    shown = real_name if len(real_name) <= _MAX_SHOWN_CHARS else f"{real_name[:_MAX_SHOWN_CHARS]}…"
    return f"{description} (`{shown}`)".strip()
