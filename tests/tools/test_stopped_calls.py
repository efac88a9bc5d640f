"""What happens to running calls when their answer is stopped: changes get some time to end, other calls none."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.call_facts import CallFacts
from shared.domain.events import ToolCall
from shared.domain.models import Caller, Principal
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.toolbox import Toolbox
from shared.tools.toolset import BaseToolset
from tests.support.agent_fakes import MemoryJournal

if TYPE_CHECKING:
    from shared.domain.call_facts import Effect
    from shared.domain.models import JsonObject

CALLER = Caller(Principal("a@example.com", "A"), "a token")


@dataclass
class HeldTools(BaseToolset):
    """Tools named after their effects, whose calls end when the test lets them."""

    begun: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's signature
        return tuple(ToolDefinition(name, "Do.", {"type": "object"}) for name in ("read", "write"))

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:  # noqa: ARG002  # the port's
        effect: Effect = "read" if name == "read" else "write"
        return CallFacts(name=name, source="imbi_api", effect=effect, operation=name)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        self.begun.append(name)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        return ToolOutput("made")


async def stopped(tools: HeldTools, *names: str) -> MemoryJournal:
    """Run calls, stop them when eight have begun or all have, and let those that are left end."""
    journal = MemoryJournal()
    caller_tools = Toolbox([tools]).for_caller(CALLER, journal=journal)

    async def run() -> None:
        async for _ in caller_tools.run([ToolCall(f"{name}-{n}", name, {}) for n, name in enumerate(names)]):
            pass

    running = asyncio.create_task(run())
    while len(tools.begun) < min(len(names), 8):  # noqa: ASYNC110  # the tools have no event for each call
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tools.may_end.set()
    with suppress(asyncio.CancelledError):
        await running
    return journal


async def test_a_running_change_ends_with_its_own_result_and_a_reading_is_cancelled() -> None:
    tools = HeldTools()
    journal = await stopped(tools, "write", "read")
    assert tools.cancelled == ["read"]
    assert {call: result.content for call, result in journal.results.items()} == {"write-0": "made"}


async def test_a_change_that_has_not_begun_never_begins() -> None:
    tools = HeldTools()
    journal = await stopped(tools, *["write"] * 12)
    assert len(tools.begun) == len(journal.results) == 8
