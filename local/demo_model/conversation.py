"""The turns of a conversation with their tool calls, read from a request's messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from local.demo_model.wire import TextBlock, ToolResultBlock, ToolUseBlock
from shared.agent.prompt import FACTS_TAG
from shared.agent.typed_decision import typed_decision
from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.wire import WireMessage

_ADDED = re.compile(
    rf"<({FACTS_TAG}|tool_changes)>.*?(?:</\1>|\Z)|No more tools can be called for this question\..*", re.DOTALL
)
"""The texts that an application adds to a user's messages."""
CALL_TOOL = "call_tool"
"""The tool that calls others by their name."""
_CONTEXT = re.compile(r"<context\b[^>]*>(.*?)</context>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    name: str
    input: Mapping[str, JsonValue]

    @property
    def key(self) -> tuple[str, bytes]:
        """A key that equal calls share."""
        return self.name, orjson.dumps(dict(self.input), option=orjson.OPT_SORT_KEYS)


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
    answer: str = ""
    outcomes: list[Outcome] = field(default_factory=list)

    def known(self) -> dict[tuple[str, bytes], Outcome]:
        """Return the outcomes by the keys of their calls; of equal calls, the newest outcome."""
        return {outcome.call.key: outcome for outcome in self.outcomes}


def turns_of(messages: Sequence[WireMessage]) -> list[Turn]:
    """Split a conversation into turns, the current one last."""
    found = [Turn("")]
    pending: dict[str, Call] = {}
    for message in messages:
        if message.role == "assistant":
            found[-1].answer = _joined(message.content) or found[-1].answer
            pending = {
                block.id: _direct(Call(block.name, block.input))
                for block in message.content
                if isinstance(block, ToolUseBlock)
            }
            continue
        if message.role == "system":
            continue
        found[-1].outcomes += _outcomes(message.content, pending)
        if text := _ADDED.sub("", _joined(message.content)).strip():
            question = without_ui_blocks(text)
            if pending and typed_decision(question):
                continue  # The user has decided about the calls; the turn goes on.
            context = "\n".join(_CONTEXT.findall(text.removesuffix(question)))
            found.append(Turn(question, context))
    return found[1:] if len(found) > 1 else found


def _direct(call: Call) -> Call:
    """Return the call that a call by name stands for."""
    name, arguments = call.input.get("name"), call.input.get("arguments", {})
    if call.name != CALL_TOOL or not isinstance(name, str) or not isinstance(arguments, dict):
        return call
    return Call(name, arguments)


def _joined(blocks: Iterable[object]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, TextBlock)).strip()


def _outcomes(blocks: Iterable[object], pending: Mapping[str, Call]) -> list[Outcome]:
    return [
        Outcome(pending[block.tool_use_id], block.text, bool(block.is_error))
        for block in blocks
        if isinstance(block, ToolResultBlock) and block.tool_use_id in pending
    ]
