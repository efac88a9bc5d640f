"""Changes of tools after they were first seen: same name, other description, input schema or hints.

A server that was harmless when an operator registered it can change its tools later. Fingerprints of the accepted
definitions are stored, so a change is noticed by every process and after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import orjson

from shared.domain.errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.models import MCPServer
    from shared.tools.mcp.definitions import ExternalTool

log = logging.getLogger(__name__)

Hashes: TypeAlias = tuple[str, str, str]
"""The hashes of a tool's description, input schema and hints, as hexadecimal digits."""
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


class AcceptedTools(Protocol):
    """The accepted definitions of all processes. Every method may raise GraphError."""

    async def remember(self, server: MCPServer, tools: Mapping[str, Hashes]) -> Mapping[str, Hashes]:
        """Accept the tools that were never seen; return the accepted definitions of the others."""
        ...

    async def accept(self, server: MCPServer, name: str, hashes: Hashes) -> None:
        """Accept a definition."""
        ...


class SeenTools:
    """The tools of one server as they were accepted, and as they were seen last.

    A definition is accepted when any process first sees it, or by a user. While the database is unavailable, the
    definitions that this process has seen count.
    """

    def __init__(self, server: MCPServer | None = None, accepted: AcceptedTools | None = None) -> None:
        """Take the server, and where the accepted definitions are stored; without it they are only remembered."""
        self._server = server
        self._accepted = accepted
        self._first: dict[str, ToolFingerprint] = {}
        self._last: dict[str, ToolFingerprint] = {}

    async def update(self, tools: Sequence[ExternalTool]) -> SeenChanges:
        """Remember a listing and return what has changed in it."""
        now = await asyncio.to_thread(lambda: {tool.name: fingerprint(tool) for tool in tools})
        first = {name: new for name, new in now.items() if name not in self._first}
        self._first = _newest(self._first | first | await self._stored(now))
        changes = SeenChanges(changed_tools(self._last, now), changed_tools(self._first, now))
        self._last = _newest(self._last | now)
        return changes

    async def is_accepted(self, name: str) -> bool:
        """Return whether the present definition of a tool has been accepted meanwhile, by any process."""
        now = {name: self._last[name]} if name in self._last else {}
        self._first |= await self._stored(now)
        return bool(now) and self._first.get(name) == now[name]

    async def accept(self, name: str) -> None:
        """Accept the present definition of a tool."""
        if name not in self._last:
            return
        self._first[name] = self._last[name]
        if self._accepted is not None and self._server is not None:
            try:
                await self._accepted.accept(self._server, name, _hashes(self._last[name]))
            except GraphError as error:
                log.warning("the acceptance of a tool could not be stored: %s", type(error).__name__)

    async def _stored(self, now: Mapping[str, ToolFingerprint]) -> dict[str, ToolFingerprint]:
        if self._accepted is None or self._server is None or not now:
            return {}
        try:
            hashes = {name: _hashes(each) for name, each in now.items()}
            found = await self._accepted.remember(self._server, hashes)
        except GraphError as error:
            log.warning("the accepted definitions of tools could not be read: %s", type(error).__name__)
            return {}
        return {name: ToolFingerprint(*map(bytes.fromhex, each)) for name, each in found.items()}


def _hashes(each: ToolFingerprint) -> Hashes:
    return each.description.hex(), each.input_schema.hex(), each.hints.hex()


def _newest(fingerprints: dict[str, ToolFingerprint]) -> dict[str, ToolFingerprint]:
    return dict(list(fingerprints.items())[-_MAX_REMEMBERED_TOOLS:])
