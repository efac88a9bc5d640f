"""How the scripted model server signs thinking, and what it does with thinking that stands behind something else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from local.messages_api.binding import bound_signatures
from tests.support.model_steps import Block

if TYPE_CHECKING:
    from tests.support.model_reply import Reply

Json: TypeAlias = dict[str, Any]


def drops_mismatches(body: Json, otherwise: str) -> bool:
    """Return whether thinking bound to something else is dropped silently, by the request's choice or the account's."""
    thinking = body.get("thinking")
    binding = thinking.get("block_binding") if isinstance(thinking, dict) else None
    chosen = (binding or {}).get("prefix_mismatch_behavior")
    return chosen == "drop_block" if chosen else otherwise == "drop"


def signed(answer: Reply, body: Json) -> Reply:
    """Sign the thinking blocks of a reply whose signature the script leaves open."""
    thoughts = [step.unsigned for step in answer.steps if isinstance(step, Block) and step.unsigned is not None]
    signatures = iter(bound_signatures(body, thoughts) if thoughts else [])
    steps = tuple(
        step.signed(next(signatures)) if isinstance(step, Block) and step.unsigned is not None else step
        for step in answer.steps
    )
    return replace(answer, steps=steps)
