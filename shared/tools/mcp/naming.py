"""Names of external tools: `mcp_<prefix>_<tool>`, made acceptable, and each no other tool's for as long as we run."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_REFUSED = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST = 64
_DIGITS = 8


class Origin(NamedTuple):
    """Where a tool comes from, and what it is called there."""

    server: str
    prefix: str
    tool: str

    @property
    def stem(self) -> str:
        """The name that prefix and tool make, of whatever length, without what the Messages API refuses."""
        return "_".join(["mcp", *(_REFUSED.sub("_", part) for part in (self.prefix, self.tool))])

    @property
    def wish(self) -> str:
        """The name that the tool has where no other has it."""
        return self.stem if len(self.stem) <= _LONGEST else self.suffixed(_DIGITS)

    @property
    def is_mended(self) -> bool:
        """Whether the wish is not simply made of prefix and tool."""
        return self.wish != f"mcp_{self.prefix}_{self.tool}"

    def suffixed(self, digits: int) -> str:
        """Give another name, the same wherever and whenever it is made."""
        origin = f"{self.server}\0{self.tool}".encode("utf-8", "replace")
        return f"{self.stem[: _LONGEST - digits - 1]}_{sha256(origin).hexdigest()[:digits]}"


class ToolNames:
    """Who has which name. A name stays with its tool while the tool's server comes and goes.

    Otherwise a call that the model has just written could reach another server's tool of the same wish.
    """

    def __init__(self) -> None:
        self._names: dict[Origin, str] = {}

    def assign(self, origins: Iterable[Origin], reserved: Collection[str]) -> dict[Origin, str]:
        """Name tools; those that have a name keep it, except where it is reserved now."""
        wanted = list(origins)
        self._names = {origin: name for origin, name in self._names.items() if name not in reserved}
        taken = {*reserved, *self._names.values()}
        for origin in sorted(wanted, key=lambda origin: (origin.is_mended, origin)):
            if origin not in self._names:
                self._names[origin] = name = self._free(origin, taken)
                taken.add(name)
        return {origin: self._names[origin] for origin in wanted}

    def forget(self, servers: Collection[str]) -> None:
        """Keep the names of these servers' tools only."""
        self._names = {origin: name for origin, name in self._names.items() if origin.server in servers}

    @staticmethod
    def _free(origin: Origin, taken: Collection[str]) -> str:
        name, digits = origin.wish, _DIGITS
        while name in taken:
            name = origin.suffixed(digits)
            digits += 1
        return name
