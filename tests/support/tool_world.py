"""The tools of a simulated conversation, which come, go and change."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.toolset import BaseToolset
from tests.support.conversation_plans import TOOLS

if TYPE_CHECKING:
    from shared.domain.models import Caller, JsonObject, Principal
    from tests.support.conversation_plans import Change

KNOWN = 3
"""How many of the tools that change are there from the start."""


class World(BaseToolset):
    """The tools that exist and that the user may call, and the pages of the UI."""

    def __init__(self) -> None:
        self.tools = {f"list_thing{number}s": self._definition(number, 0) for number in range(TOOLS)}
        self.lost: set[str] = set()
        self.versions = 0
        self.coming: list[Change] = []
        """The changes that happen while the next call runs."""

    @property
    def pages(self) -> str:
        """The UI's pages."""
        return f"/pages/{self.versions // 3}"

    @property
    def query(self) -> str:
        """A search that finds every tool that changes."""
        return " ".join(self.name(number).removeprefix("list_") for number in range(2 * KNOWN))

    def name(self, number: int) -> str:
        """The name of a tool; three are there from the start, three may come later."""
        return f"list_thing{number if number < KNOWN else TOOLS + number}s"

    def change(self, change: Change) -> None:
        """Change the surroundings."""
        name = self.name(change.tool)
        number = int(re.sub(r"\D", "", name))
        self.versions += 1
        match change.kind:
            case "lose":
                self.lost.add(name)
            case "regain":
                self.lost.discard(name)
            case "remove":
                self.tools.pop(name, None)
            case "redefine":
                self.tools[name] = self._definition(number, self.versions)
            case "add":
                self.tools.setdefault(name, self._definition(number, 0))
            case "pages":
                pass

    def definitions(self, principal: Principal | None = None) -> list[ToolDefinition]:  # noqa: ARG002  # the port's
        """List the tools of the moment."""
        return [tool for name, tool in self.tools.items() if name not in self.lost]

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Answer a call."""
        while self.coming:
            self.change(self.coming.pop())
        await asyncio.sleep(0)
        return ToolOutput(f"result of {name}")

    def _definition(self, number: int, version: int) -> ToolDefinition:
        return ToolDefinition(f"list_thing{number}s", f"Lists thing{number}s, version {version}.", {"type": "object"})
