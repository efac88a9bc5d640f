"""All toolsets together: which one has a tool, parallel calls, failures and lengths of results."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from shared.domain.errors import ToolError
from shared.domain.events import (
    ClientActionRequested,
    ToolFinished,
    ToolResult,
    ToolReturned,
    ToolsFinished,
    ToolStarted,
)
from shared.domain.ports import ToolOutput
from shared.tools.builtin import CALL_TOOL, READ_RESULT, SEARCH_TOOLS, UNDO_CHANGE
from shared.tools.gate import NO_APPROVALS, NOT_AS_APPROVED, check, digest_of, reviewed
from shared.tools.results.content import content_for_model
from shared.tools.results.store import ResultStore
from shared.tools.search.indirect import CALL_TOOL_DEFINITION, described, direct_call
from shared.tools.search.references import as_references

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from shared.domain.approval_policy import ApprovalPolicy
    from shared.domain.approvals import Review
    from shared.domain.call_facts import CallFacts
    from shared.domain.events import ToolCall, ToolEvent
    from shared.domain.models import Caller, JsonObject
    from shared.domain.ports import ToolDefinition, Toolset
    from shared.domain.requests import SearchMode
    from shared.tools.refresh import Refresher

log = logging.getLogger(__name__)

_MAX_PARALLEL_CALLS = 8
"""How many calls of one reply run at the same time."""
_MAX_NAME_CHARS = 128


Authorize: TypeAlias = "Callable[[Caller], Awaitable[Caller]]"
"""Returns the caller with the rights of the moment; raises Unauthenticated when its token has ended."""


async def _allow(caller: Caller) -> Caller:
    """Check nothing."""
    return caller


class Toolbox:
    """All toolsets; where two have the same name, the earlier one's tool counts."""

    def __init__(
        self,
        toolsets: Sequence[Toolset],
        *,
        refresher: Refresher | None = None,
        results: ResultStore | None = None,
        max_result_chars: int = 0,
        timeout: float = 30.0,
        policy: ApprovalPolicy = NO_APPROVALS,
    ) -> None:
        self.toolsets = toolsets
        self.policy = policy
        self.refresher = refresher
        self.results = results or ResultStore()
        self.max_result_chars = max_result_chars
        self.timeout = timeout

    async def ensure_loaded(self) -> None:
        """Load every toolset, all in parallel. Each has its own time limit; a failure is logged and raises nothing."""
        outcomes = await asyncio.gather(*(each.ensure_loaded() for each in self.toolsets), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                log.warning("a source of tools could not be loaded: %s", type(outcome).__name__)

    def for_caller(
        self,
        caller: Caller,
        mode: SearchMode = "references",
        authorize: Authorize = _allow,
        earlier_result: Callable[[str], str | None] = lambda _call_id: None,
        *,
        sees_undo: bool = True,
    ) -> CallerTools:
        """Return one caller's tools.

        `authorize` is asked before each round of calls; `earlier_result` gives a stored result by its call's id. Where
        the model does not see `undo_change` (`sees_undo`), the first result with a receipt shows it the tool.
        """
        return CallerTools(self, caller, mode, authorize, earlier_result, sees_undo=sees_undo)

    async def aclose(self) -> None:
        """Close every toolset."""
        await asyncio.gather(*(each.aclose() for each in self.toolsets), return_exceptions=True)


class CallerTools:
    """The tools of one caller during one turn; the caller's credential goes with each call and is kept nowhere else."""

    def __init__(
        self,
        toolbox: Toolbox,
        caller: Caller,
        mode: SearchMode,
        authorize: Authorize,
        earlier_result: Callable[[str], str | None],
        *,
        sees_undo: bool,
    ) -> None:
        self._toolbox = toolbox
        self._caller = caller
        self._mode = mode
        self._authorize = authorize
        self._earlier_result = earlier_result
        self._sees_undo = sees_undo
        self._refreshing: asyncio.Task[None] | None = None
        self._approved: frozenset[str] = frozenset()

    def definitions(self) -> list[ToolDefinition]:
        """List all tools that the caller may use now."""
        chosen: dict[str, ToolDefinition] = {}
        for toolset in self._toolbox.toolsets:
            for definition in toolset.definitions(self._caller.principal):
                chosen.setdefault(definition.name, definition)
        if self._mode in {"off", "server"}:
            chosen.pop(SEARCH_TOOLS, None)
        if self._mode == "indirect":
            chosen[CALL_TOOL] = CALL_TOOL_DEFINITION
        return list(chosen.values())

    def facts_of(self, call: ToolCall) -> CallFacts | None:
        """Return what is known about a call before it runs; None if it cannot run now.

        In indirect mode these are the facts of the tool that the call stands for.
        """
        call = direct_call(call) if self._mode == "indirect" else call
        toolset = self._toolset_of(call.name) if call.problem is None else None
        if toolset is None:
            return None
        try:
            return toolset.facts(call.name, call.input, self._caller.principal)
        except ToolError:
            return None

    async def review(self, calls: Sequence[ToolCall]) -> Review | None:
        """Return what the user is asked before the calls of a reply run; None if they run without asking."""
        if not self._toolbox.policy.may_ask:
            return None
        calls = [direct_call(call) for call in calls] if self._mode == "indirect" else calls
        for call in calls:
            if call.problem is None and self._toolset_of(call.name) is None:
                await self._toolset_after_refresh(call.name)
        await self._prepare(calls)
        return await reviewed(self._toolbox.policy, [(call, self.facts_of(call)) for call in calls], self._preview)

    async def run(self, calls: Sequence[ToolCall], approved: str | None = None) -> AsyncGenerator[ToolEvent, None]:
        """Run calls in parallel and yield events as they happen; ToolsFinished has the results in the calls' order.

        None of them runs if `approved` is a digest and the calls are no longer those that the user approved.

        Raises:
            Unauthenticated: the caller's token has expired or been revoked meanwhile.
        """
        self._caller = await self._authorize(self._caller)
        calls = [direct_call(call) for call in calls] if self._mode == "indirect" else calls
        await self._prepare(calls)
        if approved is not None and approved != digest_of((call, self.facts_of(call)) for call in calls):
            yield ToolsFinished(tuple(ToolResult(call.id, NOT_AS_APPROVED, is_error=True) for call in calls))
            return
        self._approved = frozenset(call.id for call in calls) if approved is not None else frozenset()
        events: asyncio.Queue[ToolEvent | None] = asyncio.Queue()
        slots = asyncio.Semaphore(_MAX_PARALLEL_CALLS)
        tasks = [asyncio.create_task(self._run(call, events, slots)) for call in calls]
        everything = asyncio.gather(*tasks)
        everything.add_done_callback(lambda _all: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield ToolsFinished(tuple(await everything))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, call: ToolCall, events: asyncio.Queue[ToolEvent | None], slots: asyncio.Semaphore
    ) -> ToolResult:
        toolset = self._toolset_of(call.name)
        in_browser = toolset is not None and toolset.in_browser
        async with slots:
            began = time.monotonic()
            if not in_browser:
                events.put_nowait(ToolStarted(call.id, call.name))
            result = await self._result(call, toolset)
            if in_browser and not result.is_error:
                events.put_nowait(ClientActionRequested(call.id, call.name, call.input))
            else:
                duration_ms = round((time.monotonic() - began) * 1000)
                events.put_nowait(ToolFinished(call.id, call.name, result.is_error, duration_ms, result.receipt))
            events.put_nowait(ToolReturned(result))
            return result

    async def _prepare(self, calls: Sequence[ToolCall]) -> None:
        """Load what the facts of calls depend on."""
        for call in calls:
            toolset = self._toolset_of(call.name) if call.problem is None else None
            if toolset is not None:
                await toolset.prepare(call.name, call.input, self._caller.principal)

    def _toolset_of(self, name: str) -> Toolset | None:
        for toolset in self._toolbox.toolsets:
            if any(definition.name == name for definition in toolset.definitions(self._caller.principal)):
                return toolset
        return None

    async def _result(self, call: ToolCall, toolset: Toolset | None) -> ToolResult:
        try:
            output = await self._called(call, toolset)
        except ToolError as error:
            output = ToolOutput(str(error), is_error=True)
        except TimeoutError:
            reason = f"The tool did not answer within {self._toolbox.timeout:g} seconds."
            output = ToolOutput(reason, is_error=True)
        except Exception:
            log.exception("the tool %s failed unexpectedly", call.name)
            output = ToolOutput("The tool failed unexpectedly.", is_error=True)
        content = await content_for_model(
            call.id, output, self._caller, self._toolbox.results, self._toolbox.max_result_chars
        )
        receipt = output.receipt.of_call(call.id) if output.receipt else None
        return ToolResult(call.id, content, output.is_error, receipt)

    async def _called(self, call: ToolCall, toolset: Toolset | None) -> ToolOutput:
        if call.problem is not None:
            raise ToolError(f"{call.problem} The tool was not run.")
        async with asyncio.timeout(self._toolbox.timeout + (toolset.extra_seconds if toolset else 0)):
            toolset = toolset or await self._toolset_after_refresh(call.name)
            if toolset is None:
                raise ToolError(f"There is no tool named {call.name[:_MAX_NAME_CHARS]} that this user may call now.")
            if call.name == READ_RESULT:
                self._restore_result(call)
            facts = toolset.facts(call.name, call.input, self._caller.principal)
            is_approved = call.id in self._approved
            check(self._toolbox.policy, facts, is_approved=is_approved)
            if is_approved and facts.is_changed:
                await toolset.accept(call.name)
            output = await toolset.call(call.name, call.input, self._caller)
        return self._with_found_tools(self._with_undo(output), keeps_text=call.name != SEARCH_TOOLS)

    def _with_undo(self, output: ToolOutput) -> ToolOutput:
        """Show the model the tool for undoing, once it has something to undo."""
        if self._sees_undo or output.receipt is None or output.receipt.obstacle:
            return output
        self._sees_undo = True
        return replace(output, found=(*output.found, UNDO_CHANGE))

    async def _preview(self, call: ToolCall) -> tuple[JsonObject, ...]:
        toolset = self._toolset_of(call.name)
        return await toolset.preview(call.name, call.input, self._caller) if toolset is not None else ()

    def _restore_result(self, call: ToolCall) -> None:
        """Make a result of this conversation readable again, which the process may no longer hold."""
        call_id = str(call.input.get("id"))
        text = self._earlier_result(call_id)
        if text is not None and not self._toolbox.results.has(self._caller.principal.subject, call_id):
            self._toolbox.results.add(self._caller.principal.subject, call_id, text)

    def _with_found_tools(self, output: ToolOutput, *, keeps_text: bool) -> ToolOutput:
        """Give the model the tools that an output found, in the way that the conversation's mode has."""
        if self._mode == "references":
            return as_references(output, keeps_text=keeps_text)
        return described(output, self.definitions()) if self._mode == "indirect" else output

    async def _toolset_after_refresh(self, name: str) -> Toolset | None:
        """Look for a tool that may be new: read all sources again, at most once in a turn."""
        if self._toolbox.refresher is None:
            return None
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._toolbox.refresher.refresh_if_old())
        await asyncio.shield(self._refreshing)
        return self._toolset_of(name)
