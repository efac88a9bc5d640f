"""The tool that reads all tools again in the middle of a conversation, and the object that does so."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.builtin import REFRESH_OPENAPI_SPEC
from shared.tools.toolset import BaseToolset
from shared.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain.models import Caller, JsonObject, Principal
    from shared.tools.sources import Source, SourceReport

_SHARE_OF_TIMEOUT = 0.8
"""The share of a call's timeout that the sources get."""
_MAX_NAMES = 40
_MAX_SHOWN = 10
_RECENT_SECONDS = 10.0
"""An unknown tool name does not start another reading so soon after the last one."""

_DEFINITION = ToolDefinition(
    name=REFRESH_OPENAPI_SPEC,
    description=(
        "Read again which tools there are: those of the Imbi API from its current OpenAPI document, and those of every "
        "external server. Use it when a tool that should exist is missing, or when the API or a server has just been "
        "changed. The new tools can be called right after it. It says how many tools came from where and what failed."
    ),
    input_schema={"type": "object", "properties": {}},
)


class Refresher:
    """Reads all sources again, in parallel; concurrent calls share one reading."""

    def __init__(
        self, sources: Sequence[Source], *, timeout: float = 30.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepare without reading; `timeout` is the time that the call of a tool may take, in seconds."""
        self._sources = sources
        self._source_seconds = timeout * _SHARE_OF_TIMEOUT
        self._clock = clock
        self._reading = SingleFlight(self._read, longest=timeout * 2, clock=clock)

    async def refresh(self) -> Sequence[SourceReport]:
        """Read all sources again and return their reports."""
        return await asyncio.shield(self._reading.start())

    async def refresh_if_old(self) -> None:
        """Read all sources again, unless the last reading began within the last ten seconds."""
        if self._reading.under_way or not 0 <= self._clock() - self._reading.began_at < _RECENT_SECONDS:
            await self.refresh()

    def names(self, principal: Principal) -> frozenset[str]:
        """Name the tools of all sources that the principal may use."""
        return frozenset(tool.name for source in self._sources for tool in source.definitions(principal))

    async def aclose(self) -> None:
        """Stop reading."""
        await self._reading.aclose()

    async def _read(self) -> list[SourceReport]:
        reports = await asyncio.gather(*(source.refresh(self._source_seconds) for source in self._sources))
        return [report for each in reports for report in each]


class RefreshToolset(BaseToolset):
    """The tool that reads all tools again; every user may use it."""

    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's signature
        """List the tool."""
        return (_DEFINITION,)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Read all sources again and report the outcome; the call has failed where every source has failed."""
        before = self._refresher.names(caller.principal)
        reports = await self._refresher.refresh()
        now = self._refresher.names(caller.principal)
        lines = [
            *map(str, reports),
            f"{len(now)} of these tools are available to this user from now on.",
            *_named("New", now - before),
            *_named("Gone", before - now),
        ]
        added = sorted(now - before)
        is_error = all(report.problem for report in reports)
        # The model sees a few new tools at once; among many it has to search.
        return ToolOutput("\n".join(lines), is_error, found=tuple(added) if len(added) <= _MAX_SHOWN else ())

    async def aclose(self) -> None:
        """Stop reading."""
        await self._refresher.aclose()


def _named(what: str, names: frozenset[str]) -> list[str]:
    shown = ", ".join(sorted(names)[:_MAX_NAMES])
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return [f"{what}: {shown}{more}."] if names else []
