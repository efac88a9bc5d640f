"""All toolsets together: which one has a tool, parallel calls, failures and lengths of results."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain.calls import PlannedCall
from shared.domain.errors import ToolError
from shared.domain.events import (
    ClientActionRequested,
    ToolFinished,
    ToolResult,
    ToolsFinished,
    ToolStarted,
)
from shared.observability import spans
from shared.tools.builtin import CALL_TOOL, READ_RESULT, SEARCH_TOOLS
from shared.tools.failed_calls import failed
from shared.tools.gate import NO_APPROVALS, NOT_AS_APPROVED, check, digest_of, reviewed
from shared.tools.results.for_model import content_for_model
from shared.tools.results.store import ResultStore
from shared.tools.running_round import GRACE_SECONDS, RunningRound
from shared.tools.search.indirect import CALL_TOOL_DEFINITION, direct_call
from shared.tools.search.showing import Showing
from shared.tools.sending import Sending, sending
from shared.tools.unrecorded import Unrecorded
from shared.util.winding_up import ended

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from shared.domain.approval_policy import ApprovalPolicy
    from shared.domain.approvals import Approved, Review
    from shared.domain.call_facts import CallFacts
    from shared.domain.calls import SkippedCall
    from shared.domain.events import ToolCall, ToolEvent
    from shared.domain.models import Caller, JsonObject
    from shared.domain.ports import Journal, ToolDefinition, ToolOutput, Toolset
    from shared.domain.requests import SearchMode
    from shared.tools.refresh import Refresher

log = logging.getLogger(__name__)

_UNKNOWN = "There is no tool named {:.128} that this user may call now."


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
        journal: Journal | None = None,
        earlier_result: Callable[[str], str | None] = lambda _call_id: None,
        *,
        sees_undo: bool = True,
    ) -> CallerTools:
        """Return one caller's tools.

        All calls pass the journal, if there is one. `earlier_result` gives a stored result by its call's id. Where the
        model does not see `undo_change` (`sees_undo`), the first result with a receipt shows it the tool.
        """
        return CallerTools(self, caller, mode, journal or Unrecorded(), earlier_result, sees_undo=sees_undo)

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
        journal: Journal,
        earlier_result: Callable[[str], str | None],
        *,
        sees_undo: bool,
    ) -> None:
        self._toolbox, self._caller = toolbox, caller
        self._policy = toolbox.policy.of_caller(caller)
        self._mode = mode
        self._journal = journal
        self._earlier_result = earlier_result
        self._showing = Showing(mode, sees_undo=sees_undo)
        self._refreshing: asyncio.Task[None] | None = None
        self._approved: Approved | None = None
        self._approved_operations: dict[str, str] = {}

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
        call = self._direct(call)
        toolset = self._toolset_of(call.name) if call.problem is None else None
        return None if toolset is None else self._facts(call, toolset)

    def _direct(self, call: ToolCall) -> ToolCall:
        return direct_call(call) if self._mode == "indirect" else call

    def _facts(self, call: ToolCall, toolset: Toolset) -> CallFacts | None:
        try:
            return toolset.facts(call.name, call.input, self._caller.principal)
        except ToolError:
            return None

    async def review(self, calls: Sequence[ToolCall]) -> Review | None:
        """Return what the user is asked before the calls of a reply run; None if they run without asking."""
        if not self._policy.may_ask:
            return None
        calls = list(map(self._direct, calls))
        for call in calls:
            if call.problem is None and self._toolset_of(call.name) is None:
                await self._toolset_after_refresh(call.name)
        await self._prepare(calls)
        return await reviewed(self._policy, [(call, self.facts_of(call)) for call in calls], self._preview)

    async def run(self, calls: Sequence[ToolCall], approved: Approved | None = None) -> AsyncGenerator[ToolEvent, None]:
        """Run calls in parallel and yield events as they happen; ToolsFinished has the results in the calls' order.

        None of them runs if they are no longer the calls that the user `approved`.

        Raises:
            Unauthenticated: the caller's token has expired or been revoked meanwhile.
            ConversationLost, GraphUnavailable: the journal did not admit the calls. No call was run.
        """
        await self._prepare([self._direct(each) for each in calls])
        self._approved = approved
        planned = [self._planned(self._direct(each), self.facts_of(each)) for each in calls]
        self._caller = await self._journal.admit(self._caller, planned)
        if approved and approved.digest != digest_of((each.call, self.facts_of(each.call)) for each in planned):
            yield self._refused(planned)
            return
        self._approved_operations = {each.call.id: each.facts.operation for each in planned if approved and each.facts}
        running = RunningRound()
        events = running.events
        tasks = [asyncio.create_task(self._run(each.call, running)) for each in planned]
        changes = {task for task, each in zip(tasks, planned, strict=True) if each.may_change}
        everything = asyncio.gather(*tasks)
        everything.add_done_callback(lambda _all: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield ToolsFinished(tuple(await everything))
        finally:
            running.is_ending = True
            await ended(tasks, changes, GRACE_SECONDS)

    def skip(self, calls: Sequence[SkippedCall], approval_id: str) -> None:
        """Record calls that waited for an approval and do not run in this turn."""
        for each in calls:
            call = self._direct(each.call)
            self._journal.skip(PlannedCall(call, self.facts_of(call), approval_id), each)

    async def _run(self, call: ToolCall, running: RunningRound) -> ToolResult:
        toolset = self._toolset_of(call.name)
        in_browser = toolset is not None and toolset.in_browser
        events = running.events
        async with running.slots:
            if running.is_ending:
                raise asyncio.CancelledError
            began = time.monotonic()
            if not in_browser:
                events.put_nowait(ToolStarted(call.id, call.name))
            with spans.tool_call(call.name, call.id) as note:
                result, code, is_uncertain = await self._result(call, toolset)
                note(code)
            duration_ms = round((time.monotonic() - began) * 1000)
            result = replace(result, duration_ms=duration_ms)
            self._journal.end(result, duration_ms, is_uncertain=is_uncertain)
            if in_browser and not result.is_error:
                events.put_nowait(ClientActionRequested(call.id, call.name, call.input))
            else:
                shown = result.receipt.shown() if result.receipt else None
                events.put_nowait(ToolFinished(call.id, call.name, result.is_error, duration_ms, shown, code))
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

    async def _result(self, call: ToolCall, toolset: Toolset | None) -> tuple[ToolResult, str, bool]:
        """Return the result of a call, the code of its failure, and whether it may have had an effect all the same."""
        is_uncertain = False
        try:
            output = await self._called(call, toolset)
        except Exception as error:  # noqa: BLE001  # whatever fails is a result for the model
            output, is_uncertain = failed(call.name, error, self._toolbox.timeout)
        limit = self._toolbox.max_result_chars
        content = await content_for_model(output, self._caller, call.id, self._toolbox.results, limit)
        content = self._showing.with_undo(content, output.receipt, self.definitions)
        receipt = output.receipt.of_call(call.id) if output.receipt else None
        code = output.code or ("failed" if output.is_error else "")
        return ToolResult(call.id, content, output.is_error, receipt), code, is_uncertain

    async def _called(self, call: ToolCall, toolset: Toolset | None) -> ToolOutput:
        if call.problem is not None:
            raise ToolError(f"{call.problem} The tool was not run.", code="invalid_call")
        async with asyncio.timeout(self._toolbox.timeout + (toolset.extra_seconds if toolset else 0)):
            toolset = toolset or await self._toolset_after_refresh(call.name)
            if toolset is None:
                raise ToolError(_UNKNOWN.format(call.name), code="unknown_tool")
            if call.name == READ_RESULT:
                self._restore_result(call)
            output = await self._sent(call, toolset)
        return self._showing.shown(output, self.definitions, keeps_text=call.name != SEARCH_TOOLS)

    async def _sent(self, call: ToolCall, toolset: Toolset) -> ToolOutput:
        facts = toolset.facts(call.name, call.input, self._caller.principal)
        is_approved = self._approved_operations.get(call.id) == facts.operation
        check(self._policy, facts, is_approved=is_approved)
        if is_approved and facts.is_changed:
            await toolset.accept(call.name)
        await self._journal.check()
        key = self._journal.begin(self._planned(call, facts))
        with sending(Sending(key, self._journal.check)):
            return await toolset.call(call.name, call.input, self._caller)

    def _planned(self, call: ToolCall, facts: CallFacts | None) -> PlannedCall:
        return PlannedCall(call, facts, self._approved.approval_id if self._approved else None)

    def _refused(self, planned: Sequence[PlannedCall]) -> ToolsFinished:
        results = tuple(ToolResult(each.call.id, NOT_AS_APPROVED, is_error=True) for each in planned)
        for result in results:
            self._journal.end(result, 0, is_uncertain=False)
        return ToolsFinished(results)

    async def _preview(self, call: ToolCall) -> tuple[JsonObject, ...]:
        toolset = self._toolset_of(call.name)
        return await toolset.preview(call.name, call.input, self._caller) if toolset else ()

    def _restore_result(self, call: ToolCall) -> None:
        """Make a result of this conversation readable again, which the process may no longer hold."""
        call_id = str(call.input.get("id"))
        text = self._earlier_result(call_id)
        if text is not None and not self._toolbox.results.has(self._caller.principal.subject, call_id):
            self._toolbox.results.add(self._caller.principal.subject, call_id, text)

    async def _toolset_after_refresh(self, name: str) -> Toolset | None:
        """Look for a tool that may be new: read all sources again, at most once in a turn."""
        if self._toolbox.refresher is None:
            return None
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._toolbox.refresher.refresh_if_old())
        await asyncio.shield(self._refreshing)
        return self._toolset_of(name)
