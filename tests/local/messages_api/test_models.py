"""The rules that differ between models, and the beta header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest
from anthropic.types import AnthropicBetaParam

from local.messages_api import problems
from local.messages_api.betas import KNOWN
from local.messages_api.models import rules_of
from tests.support.sample_requests import CALL, HELLO, RESULT, TOOL, request

if TYPE_CHECKING:
    from collections.abc import Collection

CHANGES = "mid-conversation-tool-changes-2026-07-01"
EDITING = "context-management-2025-06-27"
LATER = {**TOOL, "name": "later", "defer_loading": True}
ASKED = [HELLO, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}]
FOUND = [{"type": "tool_reference", "tool_name": "later"}]


def objections(betas: Collection[str] = (), **fields: Any) -> str:
    return "\n".join(problems({**request(), "tools": [TOOL], **fields}, betas=betas))


def withdrawn(kind: str = "tool_removal", **tool: Any) -> dict[str, Any]:
    reference = {"type": "tool_reference", "name": "list_projects", **tool}
    return {"role": "system", "content": [{"type": kind, "tool": reference}]}


def test_the_known_values_of_the_beta_header_are_the_sdks() -> None:
    known = {value for part in get_args(AnthropicBetaParam) for value in get_args(part)}
    assert known >= KNOWN
    assert "Unexpected value" in objections(betas=["tool-search-2099-01-01"])


@pytest.mark.parametrize(
    ("model", "thinking", "is_accepted"),
    [
        ("claude-fable-5-2", {"type": "adaptive", "display": "summarized"}, True),
        ("claude-opus-5-5", {"type": "disabled"}, False),
        ("claude-sonnet-5-5", {"type": "between_tools"}, True),
        ("claude-sonnet-5-5", {"type": "disabled"}, False),
        ("claude-sonnet-5-5", {"type": "between_tools", "display": "omitted"}, False),
        ("claude-haiku-5-5", {"type": "disabled"}, True),
        ("claude-opus-4-8", {"type": "enabled", "budget_tokens": 2000}, False),
        ("claude-sonnet-4-6", {"type": "enabled", "budget_tokens": 2000}, True),
        ("claude-sonnet-4-6", {"type": "enabled", "budget_tokens": 100}, False),
        ("claude-sonnet-4-6", {"type": "enabled"}, False),
        ("claude-haiku-4-5-20251001", {"type": "adaptive"}, False),
        ("claude-sonnet-5-5", {"type": "adaptive", "display": "updates"}, False),
        ("claude-sonnet-5-5", {"type": "adaptive", "display": "all"}, False),
        ("somebody-elses-model", {"type": "adaptive"}, False),
    ],
)
def test_each_model_has_its_ways_of_thinking(model: str, thinking: dict[str, Any], *, is_accepted: bool) -> None:
    assert (objections(model=model, thinking=thinking, max_tokens=4000) == "") is is_accepted


@pytest.mark.parametrize(
    ("model", "effort", "is_accepted"),
    [
        ("claude-sonnet-5-5", "xhigh", True),
        ("claude-sonnet-4-6", "xhigh", False),
        ("claude-sonnet-4-6", "low", True),
        ("claude-haiku-4-5", "low", False),
        ("claude-opus-5-5", "enormous", False),
    ],
)
def test_each_model_has_its_efforts(model: str, effort: str, *, is_accepted: bool) -> None:
    assert (objections(model=model, output_config={"effort": effort}) == "") is is_accepted


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_retired_parameters_are_refused(name: str) -> None:
    fields: dict[str, Any] = {name: 1}
    assert f"{name}: Extra inputs" in objections((), **fields)


def test_some_models_cannot_be_forced_to_call_a_tool() -> None:
    for model, is_refused in (("claude-opus-5-5", True), ("claude-haiku-5-5", False), ("claude-sonnet-4-6", False)):
        assert ("Forcing tool use" in objections(model=model, tool_choice={"type": "any"})) is is_refused


@pytest.mark.parametrize(
    ("problem", "fields"),
    [
        ("role: Input should be", {"model": "claude-sonnet-5", "messages": [HELLO, withdrawn()]}),
        ("first message", {"messages": [withdrawn(), HELLO]}),
        ("must be last", {"messages": [HELLO, withdrawn(), HELLO]}),
        ("must follow", {"messages": [HELLO, {"role": "assistant", "content": "a"}, withdrawn()]}),
        ("without `tool_result`", {"messages": [*ASKED[:2], withdrawn(), ASKED[2]]}),
        ("tool_reference_unresolved", {"messages": [HELLO, withdrawn(name="x")]}),
        ("does not match", {"messages": [HELLO, {"role": "system", "content": [CALL]}]}),
        ("must have non-empty", {"messages": [HELLO, {"role": "system", "content": []}]}),
        (
            "requires the beta",
            {"messages": [HELLO, withdrawn("tool_addition", type="tool_definition", definition=TOOL)]},
        ),
    ],
)
def test_system_messages_have_their_models_and_places(problem: str, fields: dict[str, Any]) -> None:
    asked = {"model": "claude-opus-5-5", **fields}
    assert problem in objections([CHANGES], **asked)


def test_good_system_messages_are_accepted() -> None:
    for messages in (
        [HELLO, withdrawn()],
        [*ASKED, withdrawn(), withdrawn("tool_addition"), {"role": "assistant", "content": "a"}, HELLO],
    ):
        assert objections(betas=[CHANGES], model="claude-opus-5-5", messages=messages) == ""
    assert "Extra inputs" in objections(model="claude-opus-5-5", messages=[HELLO, withdrawn()])
    said = [HELLO, {"role": "system", "content": "Be brief."}]
    assert objections(model="claude-opus-5-5", messages=said) == ""


def found(name: str) -> list[Any]:
    result = {**RESULT, "content": [{"type": "tool_reference", "tool_name": name}]}
    return [*ASKED[:2], {"role": "user", "content": [result]}]


def test_references_and_deferred_tools() -> None:
    assert objections(messages=found("later"), tools=[TOOL, LATER]) == ""
    assert "Tool reference 'gone' not found in available tools" in objections(messages=found("gone"))
    assert "At least one tool" in objections(tools=[LATER])
    assert "must define tools" in objections(messages=ASKED, tools=[])
    assert "defer_loading: Extra" in objections(model="somebody-elses-model", tools=[TOOL, LATER])
    assert "does not support tool references" in objections(
        model="somebody-elses-model", messages=found("list_projects")
    )


CLEARING = {"type": "clear_tool_uses_20250919", "keep": {"type": "tool_uses", "value": 3}}


@pytest.mark.parametrize(
    ("problem", "edits"),
    [
        ("must be first", [CLEARING, {"type": "clear_thinking_20251015", "keep": "all"}]),
        ("given once", [CLEARING, CLEARING]),
        ("does not match", [{"type": "forget_everything"}]),
        ("keep: Input should be", [{**CLEARING, "keep": 3}]),
        ("trigger: Input should be", [{**CLEARING, "trigger": {"type": "thinking_turns", "value": 3}}]),
        ("clear_at_least.value", [{**CLEARING, "clear_at_least": {"type": "input_tokens", "value": 0}}]),
        ("after: Extra inputs", [{**CLEARING, "after": 3}]),
        ("does not match", [{"type": "compact_20260112"}]),
        ("valid list", {"type": "x"}),
    ],
)
def test_bad_edits_of_the_context_are_refused(problem: str, edits: Any) -> None:
    assert problem in objections(betas=[EDITING], context_management={"edits": edits})


def test_compaction_has_a_least_trigger() -> None:
    edit = {"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 49_999}}
    betas = [EDITING, "compact-2026-01-12"]
    assert "50000" in objections(betas=betas, context_management={"edits": [edit]})
    edit["trigger"] = {"type": "input_tokens", "value": 50_000}
    assert objections(betas=betas, context_management={"edits": [CLEARING, edit]}) == ""


def test_names_are_read_with_prefixes_and_dates() -> None:
    assert rules_of("us.anthropic.claude-sonnet-5-5-v1:0") == rules_of("claude-sonnet-5-5")
    assert rules_of("claude-opus-4-5-20251101").cache_minimum == 4096
    assert rules_of("claude-sonnet-4-20250514") == rules_of("anything")
