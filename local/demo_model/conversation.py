"""The turns of a conversation with their tool calls, read from a request's messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.messages_api.parsed_request import text_in
from local.messages_api.reply import Call
from shared.agent.prompt import FACTS_TAG
from shared.agent.typed_decision import typed_decision
from shared.domain.user_text import without_ui_blocks
from shared.tools.builtin import CALL_TOOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.messages_api.parsed_request import Block, Message

_ADDED = re.compile(
    rf"<({FACTS_TAG}|tool_changes)>.*?(?:</\1>|\Z)|No more tools can be called for this question\..*", re.DOTALL
)
"""The texts that an application adds to a user's messages."""
_CONTEXT = re.compile(r"<context\b[^>]*>(.*?)</context>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call."""

    call: Call
    text: str
    is_error: bool


@dataclass(slots=True)
class Turn:
    """A user's question with the calls and the answer that followed it."""

    question: str
    context: str = ""
    """The UI's description of the page that the user looks at."""
    answer: str = ""
    outcomes: list[Outcome] = field(default_factory=list)


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """Split a conversation into turns, the current one last."""
    found = [Turn("")]
    pending: dict[str, Call] = {}
    for message in messages:
        if message.role == "assistant":
            found[-1].answer = text_in(message.content) or found[-1].answer
            pending = {block.id: _direct(block) for block in message.content if block.type == "tool_use"}
        elif message.role == "user":
            found[-1].outcomes += [
                Outcome(pending[block.tool_use_id], text_in(block.content), bool(block.is_error))
                for block in message.content
                if block.type == "tool_result" and block.tool_use_id in pending
            ]
            text = _ADDED.sub("", text_in(message.content)).strip()
            question = without_ui_blocks(text)
            if text and not (pending and typed_decision(question)):  # A decision about calls is no new question.
                found.append(Turn(question, "\n".join(_CONTEXT.findall(text.removesuffix(question)))))
    return found[1:] if len(found) > 1 else found


def _direct(block: Block) -> Call:
    """Return a block's call; for a call of another tool by its name, that call."""
    name, arguments = block.input.get("name"), block.input.get("arguments", {})
    if block.name == CALL_TOOL and isinstance(name, str) and isinstance(arguments, dict):
        return Call(name, arguments)
    return Call(block.name, block.input)
