"""The rules between a request's messages."""

from __future__ import annotations

from typing import Any

import pytest

from local.messages_api import problems
from local.messages_api.binding import signature_of
from tests.support.sample_requests import CALL, HELLO, RESULT, TOOL, request

ACCEPTED = [
    [HELLO],
    [HELLO, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}],
    [HELLO, HELLO, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, HELLO],
    [HELLO, {"role": "assistant", "content": [{"type": "hologram", "depth": 3}]}, HELLO],
    [
        HELLO,
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "theirs"}, CALL]},
        {"role": "user", "content": [RESULT]},
        {"role": "user", "content": "More"},
    ],
]


@pytest.mark.parametrize("messages", ACCEPTED)
def test_good_histories_are_accepted(messages: list[Any]) -> None:
    assert problems(request(*messages, tools=[TOOL])) == []


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


REFUSED_HISTORIES = [
    ("first message", [assistant({"type": "text", "text": "a"}), HELLO]),
    ("without `tool_result` blocks immediately after: toolu_1", [HELLO, assistant(CALL), HELLO]),
    ("without `tool_result`", [HELLO, assistant(CALL), user({"type": "text", "text": "a"}, RESULT)]),
    ("without `tool_result`", [HELLO, assistant(CALL)]),
    ("messages.0.content.0: unexpected `tool_use_id`", [user(RESULT)]),
    ("must be unique", [HELLO, assistant(CALL), user(RESULT), assistant(CALL), user(RESULT)]),
    ("a single result", [HELLO, assistant(CALL), user(RESULT, RESULT)]),
    ("can only be in `assistant`", [user(CALL), user(RESULT)]),
    ("can only be in `user`", [HELLO, assistant(CALL, RESULT)]),
    ("tool_use.input", [HELLO, assistant({**CALL, "input": "x"}), user(RESULT)]),
    ("tool_use.name", [HELLO, assistant({**CALL, "name": "a b"}), user(RESULT)]),
    ("tool_use.id", [HELLO, assistant({**CALL, "id": "a b"}), user({**RESULT, "tool_use_id": "a b"})]),
    ("cannot be empty if", [HELLO, assistant(CALL), user({**RESULT, "content": "", "is_error": True})]),
    ("tool_result.content", [HELLO, assistant(CALL), user({**RESULT, "content": 3})]),
    ("user messages must have non-empty", [{"role": "user", "content": ""}]),
    ("all messages must have non-empty", [HELLO, assistant(), HELLO]),
    ("must be non-empty", [user({"type": "text", "text": ""})]),
    ("must be non-empty", [HELLO, assistant(CALL), user({**RESULT, "content": [{"type": "text", "text": ""}]})]),
    ("non-whitespace", [{"role": "user", "content": " \n"}]),
    ("trailing whitespace", [HELLO, {"role": "assistant", "content": "a "}]),
    ("prefill", [HELLO, {"role": "assistant", "content": "a"}]),
    ("thinking.signature: Field required", [HELLO, assistant({"type": "thinking", "thinking": "x"}), HELLO]),
    (
        "Invalid `signature`",
        [HELLO, assistant({"type": "thinking", "thinking": "x", "signature": signature_of("y")}), HELLO],
    ),
    ("redacted_thinking.data", [HELLO, assistant({"type": "redacted_thinking"}), HELLO]),
    ("text.duration_ms: Extra inputs", [user({"type": "text", "text": "a", "duration_ms": 3})]),
    ("discriminator", [user({"text": "a"})]),
    ("role: Input should be", [{"role": "system", "content": "a"}]),
    ("messages.0.id: Extra", [{"role": "user", "content": "a", "id": 1}]),
    ("content: Field required", [{"role": "user"}]),
    ("content: Input should be a valid list", [{"role": "user", "content": 3}]),
    ("valid dictionary", ["Hello"]),
]


@pytest.mark.parametrize(("problem", "messages"), REFUSED_HISTORIES)
def test_bad_histories_are_refused(problem: str, messages: list[Any]) -> None:
    assert problem in "\n".join(problems(request(*messages, tools=[TOOL])))
