"""The binding of thinking to what stands before it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from local.messages_api import problems
from local.messages_api.binding import bound_signatures, mismatches
from tests.support.sample_requests import HELLO, TOOL, request

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "claude-sonnet-5-5"
LATER = {**TOOL, "name": "later", "defer_loading": True}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "list_projects", "input": {"b": 1, "a": 2}}


def conversation() -> dict[str, Any]:
    """A conversation of two turns in which each reply was thought about."""
    body = request(HELLO, model=MODEL, system="Be brief.", tools=[TOOL, LATER])
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "80"}
    for reply, following in (
        ([CALL], [result]),
        ([{"type": "text", "text": "80"}], [{"type": "text", "text": "And?"}]),
    ):
        [signature] = bound_signatures(body, ["Hm"])
        thought = {"type": "thinking", "thinking": "Hm", "signature": signature}
        said = {"role": "assistant", "content": [thought, *reply]}
        body["messages"] = [*body["messages"], said, {"role": "user", "content": following}]
    return body


def respelt(body: dict[str, Any]) -> None:
    """Everything that does not count."""
    body["system"] = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    body["tools"][0] = dict(reversed(body["tools"][0].items())) | {"cache_control": {"type": "ephemeral"}}
    body["messages"][0]["content"] = [{"type": "text", "text": "Hello"}]
    body["messages"][1]["content"][1]["input"] = {"a": 2, "b": 1}
    body["messages"][2]["content"][0]["content"] = [{"type": "text", "text": "80"}]
    body["max_tokens"] = 7
    body["tool_choice"] = {"type": "none"}
    body["context_management"] = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    body["tools"].append({**LATER, "name": "still_later"})
    body["tools"][1]["description"] = "Nothing refers to it yet."


def test_only_what_counts_counts() -> None:
    body = conversation()
    assert problems(body) == []
    respelt(body)
    assert problems(body, betas=["context-management-2025-06-27"]) == []


def change(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(body: dict[str, Any]) -> None:
        *inner, last = path
        target: Any = body
        for step in inner:
            target = target[step]
        target[last] = value

    return apply


@pytest.mark.parametrize(
    ("apply", "lost"),
    [
        (change("system", value="Be long."), 2),
        (change("tools", 0, "description", value="New."), 2),
        (change("tools", value=[TOOL, {**TOOL, "name": "new"}]), 2),
        (change("messages", 0, "content", value="Hello!"), 2),
        (change("messages", 1, "content", 1, "input", value={}), 1),
        (change("messages", 2, "content", 0, "content", value="cleared"), 1),
        (change("messages", 4, "content", value="And now?"), 0),
    ],
    ids=["system", "definition", "new-tool", "question", "input", "result", "last"],
)
def test_a_change_costs_the_thinking_behind_it(apply: Callable[[dict[str, Any]], None], lost: int) -> None:
    body = conversation()
    apply(body)
    assert len(mismatches(body)) == lost
    found = problems(body)
    assert len(found) == lost
    assert all("The block is bound to a different conversation." in problem for problem in found)
    assert problems(body, checks_binding=False) == []
    assert problems({**body, "model": "claude-sonnet-4-6"}) == []


def without_thinking(body: dict[str, Any], *places: int) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    for place in places:
        changed["messages"][place]["content"].pop(0)
    return changed


def test_thinking_may_go_from_either_end_but_not_from_the_middle() -> None:
    body = conversation()
    [signature] = bound_signatures(body, ["So"])
    thought = {"type": "thinking", "thinking": "So", "signature": signature}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
    body["messages"] = [*body["messages"], said, HELLO]
    assert problems(body) == []
    left = [without_thinking(body, *places) for places in ((1,), (5,), (1, 3), (1, 3, 5), (3,))]
    assert [len(mismatches(each)) for each in left] == [0, 0, 0, 0, 1]


def test_thinking_that_comes_back_costs_what_was_made_meanwhile() -> None:
    body = conversation()
    without = without_thinking(body, 1, 3)
    [signature] = bound_signatures(without, ["So"])
    thought = {"type": "thinking", "thinking": "So", "signature": signature}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
    assert mismatches({**without, "messages": [*without["messages"], said, HELLO]}) == []
    assert len(mismatches({**body, "messages": [*body["messages"], said, HELLO]})) == 1


def test_a_reference_binds_the_tool_from_its_message_on() -> None:
    body = conversation()
    found = {**RESULT_OF_SEARCH, "tool_use_id": "toolu_2"}
    searched = {"type": "tool_use", "id": "toolu_2", "name": "list_projects", "input": {}}
    body["messages"] += [{"role": "assistant", "content": [searched]}, {"role": "user", "content": [found]}]
    [signature] = bound_signatures(body, ["So"])
    thought = {"type": "thinking", "thinking": "So", "signature": signature}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
    body["messages"] += [said, HELLO]
    assert problems(body) == []
    body["tools"] = [TOOL, {**LATER, "description": "New."}]
    assert len(mismatches(body)) == 1


RESULT_OF_SEARCH = {"type": "tool_result", "content": [{"type": "tool_reference", "tool_name": "later"}]}
