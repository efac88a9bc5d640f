"""Checks that must hold after every fault."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

_numbers = itertools.count()
GOING_ON = "So it goes on."
MODEL_CODES = {
    "overloaded",
    "rate_limited",
    "timeout",
    "connection_lost",
    "invalid_request",
    "authentication",
    "context_overflow",
    "deadline",
    "internal",
    "shutdown",
}


async def goes_on(client: Client, conversation: str, model_server: ModelServer) -> Sequence[Json]:
    """Ask another question and hold the stored history against the rules; returns the messages before the question.

    An answer that is still being ended is stored before the question is.
    """
    model_server.script(reply(text(GOING_ON)))
    # A question that repeats the last one would replace it.
    question = f"Go on {next(_numbers)}"
    answer = await client.ask(conversation, question)
    assert answer.done["stop_reason"] == "end_turn"
    assert answer.text.endswith(GOING_ON)
    assert model_server.chats[-1].problems == []
    messages = await client.messages(conversation)
    check_stored(messages)
    assert [message["content"] for message in messages[-2:]] == [question, GOING_ON]
    return messages[:-2]


def check_stored(messages: Sequence[Json]) -> None:
    """Check that messages have neither gaps nor orphans nor are empty."""
    assert [message["sequence"] for message in messages] == list(range(len(messages)))
    for i, message in enumerate(messages):
        assert message["content"].strip() or message["tool_use"] or message["tool_results"], "an empty message"
        calls = [call["id"] for call in message["tool_use"] or []]
        following = messages[i + 1] if i + 1 < len(messages) else {"tool_results": None}
        assert calls == [result["tool_use_id"] for result in following["tool_results"] or []], "an orphan"


def check_error(data: Json, code: str) -> None:
    """Check that an error tells no more than a user may know."""
    assert data["code"] == code, data
    assert code in MODEL_CODES
    assert isinstance(data["retryable"], bool)
    assert data["message"].endswith(".")
    assert len(data["message"]) < 120
    for internal in ("Error", "Exception", "127.0.0.1", "Traceback", "http", "{", "SECRET"):
        assert internal not in data["message"], data


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it has not come true in time.
    """
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError("the condition did not come true in time")
        await asyncio.sleep(0.01)
