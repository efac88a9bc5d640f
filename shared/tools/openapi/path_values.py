"""The values of path parameters, which must not lead to another place of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.util.urls import decodings

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTROL_CODES = frozenset(map(chr, [*range(0x20), 0x7F]))


def check_path_value(name: str, shown: str, text: str) -> bool:
    """Check a value that becomes a part of a path, however often it is decoded on its way.

    Return whether it has a slash: then its decoded address has to be checked, too.

    Raises:
        ToolError: the value is empty, or has dot segments, empty segments, backslashes or control characters.
    """
    has_slash = False
    try:
        for decoded in decodings(text):
            if not _is_allowed(decoded):
                raise ToolError(
                    f"Argument {name} must not be empty, and must have neither backslashes nor control characters nor"
                    f" empty or dot segments: {shown} cannot be sent."
                )
            has_slash = has_slash or "/" in decoded
    except ValueError:
        raise ToolError(f"Argument {name} is encoded too often.") from None
    return has_slash


def _is_allowed(text: str) -> bool:
    if "\\" in text or not _CONTROL_CODES.isdisjoint(text):
        return False
    return not any(_is_dots(segment) for segment in text.split("/"))


def _is_dots(segment: str) -> bool:
    """Return whether a segment is empty, or a server may read it as a dot segment: some cut it at a semicolon."""
    return not segment or segment.partition(";")[0].strip() in {".", ".."}


class Routes:
    """The path templates of a document by method, to find the operation that an address leads to."""

    def __init__(self, templates: Iterable[tuple[str, str]]) -> None:
        """Take the method and the path of every operation, those that are no tools included."""
        self._templates: dict[str, dict[str, list[str]]] = {}
        for method, path in templates:
            self._templates.setdefault(method, {})[path] = _segments(path)

    def leads_elsewhere(self, method: str, own_path: str, address: str) -> bool:
        """Return whether a server that decodes an address before it routes would find another operation there."""
        parts = _segments(address)
        templates = self._templates.get(method, {})
        return any(path != own_path and _matches(template, parts) for path, template in templates.items())


def _segments(path: str) -> list[str]:
    return [part.casefold() for part in path.split("/") if part]


def _matches(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        "{" in expected or expected == part for expected, part in zip(template, parts, strict=True)
    )
