"""The rules about the first and the last message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.messages_api.request import turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

LAST_WITH_PREFILL = (4, 5)
"""The last version of the models that continue the assistant's text. Page: "Prefill Claude's response"."""


def first_message(body: Body) -> Iterator[str]:
    """The first message is the user's. Page: the Messages API's reference."""
    if body["messages"] and body["messages"][0]["role"] != "user":
        yield 'messages: first message must use the "user" role'


def last_message(body: Body) -> Iterator[str]:
    """The last message is the user's, or goes on after a `pause_turn`. Page: "Prefill Claude's response"."""
    joined = turns(body)
    if not joined or joined[-1].role != "assistant" or not joined[-1].blocks:
        return
    last = joined[-1].blocks[-1]
    if last.kind == "text" and (text := str(last.value.get("text"))) != text.rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"
    if not joined[-1].of("server_tool_use") and refuses_prefill(body["model"]):
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def refuses_prefill(model: str) -> bool:
    """Return whether a model continues no text of the assistant's; a model without a version counts as the newest."""
    version = re.search(r"claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?", model)
    return version is None or (int(version[1]), int(version[2] or 0)) > LAST_WITH_PREFILL
