"""Names of external tools: `mcp_<prefix>_<tool>`, valid for the Messages API and unique while the process runs."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_INVALID_CHARS = re.compile(r"[^a-zA-Z0-9_-]+")
_MAX_CHARS = 64
_DIGITS = 8
_MAX_REMEMBERED_NAMES = 10_000
"""A server could list new tools again and again; names of tools that are gone are forgotten, oldest first."""


class ToolOrigin(NamedTuple):
    """The server of a tool, the server's prefix, and the server's name for the tool."""

    server: str
    prefix: str
    tool: str

    @property
    def stem(self) -> str:
        """Prefix and tool joined, of any length, without the characters that the Messages API refuses."""
        return "_".join(["mcp", *(_INVALID_CHARS.sub("_", part) for part in (self.prefix, self.tool))])

    @property
    def preferred_name(self) -> str:
        """The name that the tool gets if no other tool has it."""
        return self.stem if len(self.stem) <= _MAX_CHARS else self.suffixed(_DIGITS)

    @property
    def is_altered(self) -> bool:
        """Whether the preferred name differs from `mcp_<prefix>_<tool>`."""
        return self.preferred_name != f"mcp_{self.prefix}_{self.tool}"

    def suffixed(self, digits: int) -> str:
        """Return a name that ends in `digits` digits of a hash, the same in every process."""
        origin = f"{self.server}\0{self.tool}".encode("utf-8", "replace")
        return f"{self.stem[: _MAX_CHARS - digits - 1]}_{sha256(origin).hexdigest()[:digits]}"


class ToolNames:
    """The assigned names. A tool keeps its name while its server is unavailable.

    Otherwise a call that the model has just written could reach another server's tool with the same preferred name.
    """

    def __init__(self) -> None:
        self._names: dict[ToolOrigin, str] = {}

    def assign(self, origins: Iterable[ToolOrigin], reserved: Collection[str]) -> dict[ToolOrigin, str]:
        """Assign names to tools. A tool keeps the name that it has, unless the name is reserved now."""
        wanted = list(origins)
        self._names = {origin: name for origin, name in self._names.items() if name not in reserved}
        taken = {*reserved, *self._names.values()}
        for origin in sorted(wanted, key=lambda origin: (origin.is_altered, origin)):
            if origin not in self._names:
                self._names[origin] = name = self._unused_name(origin, taken)
                taken.add(name)
        if len(self._names) > _MAX_REMEMBERED_NAMES:
            newest = list(self._names.items())[-_MAX_REMEMBERED_NAMES:]
            self._names = dict(newest) | {origin: self._names[origin] for origin in wanted}
        return {origin: self._names[origin] for origin in wanted}

    def keep_only(self, servers: Collection[str]) -> None:
        """Forget the names of the tools of all other servers."""
        self._names = {origin: name for origin, name in self._names.items() if origin.server in servers}

    @staticmethod
    def _unused_name(origin: ToolOrigin, taken: Collection[str]) -> str:
        name, digits = origin.preferred_name, _DIGITS
        while name in taken:
            name = origin.suffixed(digits)
            digits += 1
        return name
