"""The text that asks the user to approve tool calls. It is written from the calls themselves, never by the model."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.approvals import AskedCall, Review
    from shared.domain.models import JsonObject

_MAX_CODE_CHARS = 120
_MAX_CHANGES = 8
_MAX_CALLS = 20
_VERBS = {"DELETE": "deletes", "PATCH": "changes", "PUT": "changes", "POST": "sends"}
_REPLY = "Nothing has been done yet. Reply “approve” or “reject” within one hour."


def request_text(review: Review) -> str:
    """Return one sentence for each call that says what would happen, and how the user decides.

    Values come from the model and from the API. They are shown as code, without characters that end it.
    """
    sentences = [_sentence(call) for call in review.asked[:_MAX_CALLS]]
    more = len(review.asked) - _MAX_CALLS
    if more > 0:
        sentences.append(f"{more} more calls.")
    if len(sentences) == 1:
        return f"**Your approval is needed.** This step {sentences[0]} {_REPLY}"
    steps = "\n".join(f"{number}. It {sentence}" for number, sentence in enumerate(sentences, start=1))
    return f"**Your approval is needed** for these steps together:\n\n{steps}\n\n{_REPLY}"


def _sentence(call: AskedCall) -> str:
    if call.method is None or call.path is None:
        place = f"the MCP server {_code(server)}" if (server := call.source.removeprefix("mcp:")) else "the assistant"
        return f"calls the tool {_code(call.operation or call.name)} of {place}{_arguments(call.input)}."
    verb = _VERBS.get(call.method, "calls")
    told = [_change(call.method, change) for change in call.changes[:_MAX_CHANGES]]
    more = len(call.changes) - _MAX_CHANGES
    if more > 0:
        told.append(f"{more} more values")
    values = f": {', '.join(told)}" if told else ""
    return f"{verb} {_code(f'{call.method} {call.path}')} ({_code(call.name)}){values}."


def _change(method: str, change: JsonObject) -> str:
    name = _code(str(change.get("path")).removeprefix("/"))
    before, after = change.get("before"), change.get("after")
    if method == "DELETE":
        return f"{name} is {_value(before)}"
    if "before" not in change or (before is None and after is not None):
        return f"{name} becomes {_value(after)}"
    return f"{name} changes from {_value(before)} to {_value(after)}"


def _arguments(given: JsonObject) -> str:
    return f" with {_value(given)}" if given else ""


def _value(value: JsonValue) -> str:
    if value is None:
        return "nothing"
    return _code(value if isinstance(value, str) else orjson.dumps(value).decode())


def _code(text: str) -> str:
    """Return a text as inline code: short, in one line, and without characters that hide or reorder others."""
    shown = "".join(
        " " if character.isspace() else character
        for character in text[: 2 * _MAX_CODE_CHARS]
        if character.isspace() or unicodedata.category(character)[0] != "C"
    ).replace("`", "'")
    shown = shown if len(text) <= _MAX_CODE_CHARS else f"{shown[:_MAX_CODE_CHARS]}…"
    return f"`{shown or ' '}`"
