"""The plan that takes the newest change back, which the receipts in the conversation's results name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.plan import CannotAnswer, call_one
from local.demo_model.tool_results import RECEIPT, without_receipt

if TYPE_CHECKING:
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task

UNDO_CHANGE = "undo_change"
_POSSIBLE = ". To take it back: "


def undo(task: Task) -> Plan[str]:
    """Take back the newest change that has not been taken back yet."""
    outcomes = [outcome for turn in task.earlier for outcome in turn.outcomes]
    undone = {
        str(outcome.call.input.get("id"))
        for outcome in outcomes
        if outcome.call.name == UNDO_CHANGE and not outcome.is_error
    }
    for outcome in reversed(outcomes):
        receipt = RECEIPT.search(outcome.text)
        if receipt is None or receipt["id"] in undone or outcome.call.name == UNDO_CHANGE:
            continue
        if _POSSIBLE not in receipt["change"]:
            raise CannotAnswer(f"I {receipt['change']}")
        result = yield from call_one(Call(UNDO_CHANGE, {"id": receipt["id"]}))
        return without_receipt(result.text)
    raise CannotAnswer("I have changed nothing in this conversation that could be undone.")
