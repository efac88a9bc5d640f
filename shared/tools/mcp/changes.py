"""Changes of tools after they were first seen: same name, other description, input schema or hints.

A server that was harmless when an operator registered it can change its tools later. Fingerprints are kept in memory,
so a change is noticed while the process runs.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.tools.mcp.definitions import ExternalTool

_MAX_REMEMBERED_TOOLS = 5000
"""Names that are remembered of one server, which could list new names again and again."""


class ToolFingerprint(NamedTuple):
    """Hashes of the parts of a tool's definition."""

    description: bytes
    input_schema: bytes
    hints: bytes = b""


class ToolChange(NamedTuple):
    """A changed tool by the server's name, and which parts changed: `description`, `input_schema`, `hints`."""

    name: str
    parts: tuple[str, ...]


def fingerprint(tool: ExternalTool) -> ToolFingerprint:
    """Compute the fingerprint of a tool. The order of the schema's keys does not matter."""
    schema = orjson.dumps(tool.own_schema, option=orjson.OPT_SORT_KEYS)
    return ToolFingerprint(
        sha256(tool.description.encode("utf-8", "surrogatepass")).digest(),
        sha256(schema).digest(),
        sha256(repr(tuple(tool.hints)).encode()).digest(),
    )


def changed_tools(
    before: Mapping[str, ToolFingerprint], after: Mapping[str, ToolFingerprint]
) -> tuple[ToolChange, ...]:
    """List the tools that are in both mappings with different fingerprints, by name."""
    return tuple(
        ToolChange(name, tuple(part for part in ToolFingerprint._fields if getattr(old, part) != getattr(new, part)))
        for name in sorted(before.keys() & after.keys())
        if (old := before[name]) != (new := after[name])
    )


class SeenChanges(NamedTuple):
    """The changes in a listing: since each tool was seen last, and since it was first seen."""

    since_last: tuple[ToolChange, ...] = ()
    since_first: tuple[ToolChange, ...] = ()


class SeenTools:
    """The tools of one server as they were first seen, and as they were seen last."""

    def __init__(self) -> None:
        self._first: dict[str, ToolFingerprint] = {}
        self._last: dict[str, ToolFingerprint] = {}

    def update(self, tools: Iterable[ExternalTool]) -> SeenChanges:
        """Remember a listing and return what has changed in it."""
        now = {tool.name: fingerprint(tool) for tool in tools}
        changes = SeenChanges(changed_tools(self._last, now), changed_tools(self._first, now))
        self._last = _newest(self._last | now)
        self._first = _newest(self._first | {name: new for name, new in now.items() if name not in self._first})
        return changes

    def accept(self, name: str) -> None:
        """Take the present definition of a tool as the one that was first seen."""
        if name in self._last:
            self._first[name] = self._last[name]


def _newest(fingerprints: dict[str, ToolFingerprint]) -> dict[str, ToolFingerprint]:
    return dict(list(fingerprints.items())[-_MAX_REMEMBERED_TOOLS:])
