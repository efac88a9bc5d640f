"""The base of toolsets: a source of tools that has nothing to load and nothing to close."""

from __future__ import annotations


class BaseToolset:
    """Default methods of the Toolset port. A subclass lists and calls its tools."""

    in_browser = False

    async def ensure_loaded(self) -> None:
        """Do nothing: the tools are always there."""

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""
