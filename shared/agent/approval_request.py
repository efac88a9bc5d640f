"""The text that asks the user to approve tool calls. It is written from the calls themselves, never by the model."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from shared.domain.approvals import AskedCall, Review
    from shared.domain.models import JsonObject

_MAX_CODE_CHARS = 120
_MAX_PATH_CHARS = 300
_MAX_CHANGES = 8
_MAX_CALLS = 20
_MAX_OPTIONS = 8
_MAX_TITLE_CHARS = 80
_VERBS = {"DELETE": "deletes", "PATCH": "changes", "PUT": "changes", "POST": "sends"}
_TITLE_SIGNS = frozenset(" '()/,.:&-")
"""The characters of a title, besides letters and digits, that mean nothing in Markdown."""
_RESERVED = frozenset("/?#%\\")
"""The characters that would change a path if they were not encoded."""
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
    told = [_change(call.method, change) for change in call.changes[:_MAX_CHANGES]]
    more = len(call.changes) - _MAX_CHANGES
    if more > 0:
        told.append(f"{more} more values")
    request = f"{_code(f'{call.method} {_readable(call.path)}', _MAX_PATH_CHARS)}{_options(call.options)}"
    title = _title(call)
    begin = (
        f"is “{title}” ({_code(call.name)}): {request}" if title else f"{_verb(call)} {request} ({_code(call.name)})"
    )
    begin = f"takes back an earlier change. It {begin}" if call.undoes else begin
    return f"{begin}; {', '.join(told)}." if told else f"{begin}."


def _title(call: AskedCall) -> str:
    """Return the API's own name of the operation; empty where it is long, or would mean something in Markdown."""
    title = call.operation
    is_plain = len(title) <= _MAX_TITLE_CHARS and all(each.isalnum() or each in _TITLE_SIGNS for each in title)
    return title if is_plain else ""


def _verb(call: AskedCall) -> str:
    return _VERBS.get(call.method or "", "calls")


def _readable(path: str) -> str:
    """Return a path with decoded segments where that changes nothing: `ann@example.com` instead of `ann%40…`."""
    return "/".join(each if _RESERVED & set(text := unquote(each)) else text for each in path.split("/"))


def _options(options: Sequence[str]) -> str:
    shown = [_code(each) for each in options[:_MAX_OPTIONS]]
    more = len(options) - _MAX_OPTIONS
    if more > 0:
        shown.append(f"{more} more values")
    return f" with {', '.join(shown)}" if shown else ""


def _change(method: str, change: JsonObject) -> str:
    name = _code(str(change.get("path")).removeprefix("/"))
    before, after = change.get("before"), change.get("after")
    if method == "DELETE":
        return f"{name} is {_value(before)}"
    if method == "POST" and before is None:
        return f"{name} is {_value(after)}"
    if after is not None and before is None:
        return f"{name} becomes {_value(after)}"
    if after is None:
        return f"{name} is removed" + (f" (it is {_value(before)})" if before is not None else "")
    return f"{name} changes from {_value(before)} to {_value(after)}"


def _arguments(given: JsonObject) -> str:
    return f" with {_value(given)}" if given else ""


def _value(value: JsonValue) -> str:
    if value is None:
        return "nothing"
    return _code(value if isinstance(value, str) else orjson.dumps(value).decode())


def _code(text: str, most_chars: int = _MAX_CODE_CHARS) -> str:
    """Return a text as inline code: short, in one line, and without characters that hide or reorder others."""
    shown = "".join(
        " " if character.isspace() else character
        for character in text[: 2 * most_chars]
        if character.isspace() or unicodedata.category(character)[0] != "C"
    ).replace("`", "'")
    shown = shown if len(text) <= most_chars else f"{shown[:most_chars]}…"
    return f"`{shown or ' '}`"
