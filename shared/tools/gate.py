"""The gate before tool calls: it decides which calls run, binds approvals to exact calls, and refuses the others."""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from shared.domain.approval_policy import ApprovalPolicy
from shared.domain.approvals import AskedCall, Review
from shared.domain.errors import ToolError
from shared.tools.builtin import UNDO_CHANGE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from shared.domain.approval_rules import Decision
    from shared.domain.call_facts import CallFacts
    from shared.domain.events import ToolCall
    from shared.domain.models import JsonObject

log = logging.getLogger(__name__)

NO_APPROVALS = ApprovalPolicy()
NOT_AS_APPROVED = (
    "This call was not run. The user approved it, but since then a tool of the same reply has changed or is no longer"
    " available to the user. None of the reply's calls was run. Make the calls again if they are still wanted: the user"
    " is then asked anew."
)
_PREVIEW_SECONDS = 10.0
"""The longest wait for the present state of what a call would change."""
_DENIED = "The rules of this installation do not allow the assistant to call {name}. The call was not run."
_UNASKED = (
    "This call needs the user's approval, which became clear only after the reply's other calls had started. It was not"
    " run. Call the tool again: the user is then asked."
)


def decide(policy: ApprovalPolicy, facts: CallFacts | None) -> Decision:
    """Return what happens to a call. A call that cannot be sent asks nobody: its error goes to the model."""
    if facts is None or (facts.method is not None and facts.path is None):
        return "auto"
    return policy.decide(facts)


def check(policy: ApprovalPolicy, facts: CallFacts, *, is_approved: bool) -> None:
    """Check a call directly before it runs.

    Raises:
        ToolError: a rule denies it, or it needs an approval that it does not have.
    """
    decision = decide(policy, facts)
    if decision == "deny":
        raise ToolError(_DENIED.format(name=facts.name))
    if decision == "ask" and not is_approved:
        raise ToolError(_UNASKED)


def digest_of(calls: Iterable[tuple[ToolCall, CallFacts | None]]) -> str:
    """Compute the digest that binds an approval: the name, the input, the operation and the server of each call."""
    bound = [
        [call.name, call.input, call.problem, facts.operation if facts else None, facts.source if facts else None]
        for call, facts in calls
    ]
    return sha256(orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def reviewed(
    policy: ApprovalPolicy,
    calls: Sequence[tuple[ToolCall, CallFacts | None]],
    preview: Callable[[ToolCall], Awaitable[tuple[JsonObject, ...]]],
) -> Review | None:
    """Review the calls of a reply. If none asks, return None.

    An approval runs all calls of the reply, so the user also sees those that change something without asking.
    """
    decisions = [decide(policy, facts) for _, facts in calls]
    if "ask" not in decisions:
        return None
    shown = [
        (call, facts)
        for (call, facts), decision in zip(calls, decisions, strict=True)
        if facts is not None and (decision == "ask" or (decision == "auto" and facts.changes_something))
    ]
    changes = await asyncio.gather(*(_previewed(preview, call) for call, _ in shown))
    asked = tuple(
        AskedCall(
            id=call.id,
            name=facts.name,
            input=call.input,
            method=facts.method,
            path=facts.path,
            changes=found,
            source=facts.source,
            operation=facts.title,
            undoes=call.name == UNDO_CHANGE,
            options=facts.options,
        )
        for (call, facts), found in zip(shown, changes, strict=True)
    )
    return Review(digest_of(calls), asked)


async def _previewed(
    preview: Callable[[ToolCall], Awaitable[tuple[JsonObject, ...]]], call: ToolCall
) -> tuple[JsonObject, ...]:
    """Return what a call would change; nothing if it cannot be read in time, because the question must not fail."""
    try:
        async with asyncio.timeout(_PREVIEW_SECONDS):
            return await preview(call)
    except (ToolError, TimeoutError):
        return ()
    except Exception:
        log.exception("what a call of %s would change cannot be read", call.name)
        return ()
