"""The rules about thinking blocks and their signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.binding import SIGNED, is_signed_text, mismatches
from local.messages_api.models import rules_of
from local.messages_api.request import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.messages_api.request import Body

ALTERED: Final = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)


def signatures(body: Body) -> Iterator[str]:
    """A thinking block has a signature, and its text is the signed one. Page: "Thinking"."""
    for block in blocks(body):
        if block.kind != "thinking" or "signature" not in block.value:
            continue
        signature, thinking = str(block.value["signature"]), str(block.value.get("thinking"))
        if not signature or (signature.startswith(SIGNED) and not is_signed_text(signature, thinking)):
            yield f"{block.path}: Invalid `signature` in `thinking` block"


def bound_thinking(body: Body) -> Iterator[str]:
    """Thinking stands behind what it was made behind, where the model checks that.

    Page: "Prefix checks on thinking blocks".
    """
    if rules_of(body["model"]).checks_thinking:
        yield from (mismatch.problem for mismatch in mismatches(body))


def thinking_blocks(content: Sequence[Body]) -> list[Body]:
    """Return the thinking blocks of a message, redacted ones too."""
    return [block for block in content if "thinking" in block["type"]]


def altered_thinking(body: Body, thinking_of_call: Mapping[str, Sequence[Body]]) -> Iterator[str]:
    """The latest assistant message has the thinking that the API sent with its calls, or none. Page: "Thinking".

    `thinking_of_call` holds the blocks that were sent with each call's id; a call that is not in it passes.
    """
    for index, message in reversed(list(enumerate(body["messages"]))):
        if message["role"] == "assistant" and isinstance(message["content"], list):
            present = thinking_blocks(message["content"])
            calls = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
            if present and any(list(thinking_of_call.get(call, present)) != present for call in calls):
                yield f"messages.{index}: {ALTERED}"
            return


def stripped_thinking(body: Body, thinking_of_call: Mapping[str, Sequence[Body]]) -> int:
    """Count the calls that came with thinking and are sent without it: that is allowed, but the thoughts are lost."""
    count = 0
    for message in body["messages"]:
        content = message["content"]
        if message["role"] == "assistant" and isinstance(content, list) and not thinking_blocks(content):
            calls = [block["id"] for block in content if block["type"] == "tool_use"]
            count += sum(bool(thinking_of_call.get(call)) for call in calls)
    return count
