"""A journal of calls that keeps nothing, for calls outside of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.events import ToolResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.calls import PlannedCall, SkippedCall
    from shared.domain.events import ToolCall
    from shared.domain.models import Caller


class Unrecorded:
    """A Journal that lets every call run."""

    async def admit(self, caller: Caller, calls: Sequence[PlannedCall]) -> Caller:  # noqa: ARG002  # the port's
        """Let the calls run."""
        return caller

    async def check(self) -> None:
        """Let a call be sent."""

    def begin(self, planned: PlannedCall) -> str | None:  # noqa: ARG002  # the port's
        """Give no idempotency key."""
        return None

    def end(self, result: ToolResult, duration_ms: int, *, is_uncertain: bool) -> None:
        """Keep nothing."""

    def skip(self, planned: PlannedCall, skipped: SkippedCall) -> None:
        """Keep nothing."""

    def result_of(self, call: ToolCall) -> ToolResult:
        """Return an error result."""
        return ToolResult(call.id, "The result of the call is unknown.", is_error=True)
