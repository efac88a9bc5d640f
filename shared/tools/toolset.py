"""The base of toolsets: a source of tools that has nothing to load and nothing to close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.call_facts import ASSISTANT, CallFacts

if TYPE_CHECKING:
    from shared.domain.models import Caller, JsonObject, Principal


class BaseToolset:
    """Default methods of the Toolset port. A subclass lists and calls its tools."""

    in_browser = False
    extra_seconds = 0.0

    async def ensure_loaded(self) -> None:
        """Do nothing: the tools are always there."""

    async def prepare(self, name: str, arguments: JsonObject, principal: Principal) -> None:
        """Do nothing: the facts of a call depend on its arguments only."""

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:  # noqa: ARG002  # the port's
        """Describe a call of a tool of ours, which changes nothing outside this service."""
        return CallFacts(name=name, source=ASSISTANT, effect="read", operation=name, title=name)

    async def preview(self, name: str, arguments: JsonObject, caller: Caller) -> tuple[JsonObject, ...]:  # noqa: ARG002  # the port's
        """Return nothing: what a call changes cannot be read beforehand."""
        return ()

    async def accept(self, name: str) -> None:
        """Do nothing: the definitions of the tools do not change."""

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""
