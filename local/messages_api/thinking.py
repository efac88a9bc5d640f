"""The rules about thinking blocks.

A server that stands in for the API signs a thinking block with a hash of its text, so that a changed one is found.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from local.messages_api.request import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.messages_api.request import Body

SIGNED: Final = "EqMB"
"""The beginning of the signatures that are made here; others pass, because only the API can check them."""

ALTERED: Final = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)


def signature_of(thinking: str) -> str:
    """Return the signature of a thinking block with this text."""
    return SIGNED + base64.b64encode(hashlib.sha256(thinking.encode()).digest()).decode()


def signatures(body: Body) -> Iterator[str]:
    """A thinking block has a signature, and its text is the signed one. Page: "Thinking"."""
    for block in blocks(body):
        if block.kind != "thinking" or "signature" not in block.value:
            continue
        signature, thinking = str(block.value["signature"]), str(block.value.get("thinking"))
        if not signature or (signature.startswith(SIGNED) and signature != signature_of(thinking)):
            yield f"{block.path}: Invalid `signature` in `thinking` block"


def thinking_blocks(content: Sequence[Body]) -> list[Body]:
    """Return the thinking blocks of a message, redacted ones too."""
    return [block for block in content if "thinking" in block["type"]]


def altered_thinking(body: Body, thinking_of_call: Mapping[str, Sequence[Body]]) -> Iterator[str]:
    """The latest assistant message has the thinking blocks that the API sent with its calls. Page: "Thinking".

    `thinking_of_call` holds the blocks that were sent with each call's id; a call that is not in it passes.
    """
    for index, message in reversed(list(enumerate(body["messages"]))):
        if message["role"] == "assistant" and isinstance(message["content"], list):
            present = thinking_blocks(message["content"])
            calls = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
            if any(list(thinking_of_call.get(call, present)) != present for call in calls):
                yield f"messages.{index}: {ALTERED}"
            return
