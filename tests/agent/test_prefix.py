"""The prefix of a conversation: it only grows, and the model is told of every change once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.agent.prefix import FEW, announcement, first_prefix, grown, growth_of, tool_changes
from shared.domain.ports import ToolDefinition
from shared.domain.requests import Capabilities, SystemPrompt

SYSTEM = SystemPrompt("Static.", "Personal.")


def definition(name: str, text: str = "Does it.") -> ToolDefinition:
    return ToolDefinition(name, text, {"type": "object"})


MANY = [definition(f"tool_{i}") for i in range(FEW + 1)]


@pytest.mark.proves("costs.search")
def test_a_few_tools_are_all_shown() -> None:
    prefix = first_prefix(SYSTEM, MANY[:FEW], "references", ())
    assert [tool.name for tool in prefix.tools] == [each.name for each in MANY[:FEW]]
    assert not any(tool.is_deferred for tool in prefix.tools)


@pytest.mark.proves("costs.search")
@pytest.mark.parametrize("mode", ["references", "server"])
def test_of_many_tools_the_residents_are_shown_and_the_others_deferred(mode: str) -> None:
    prefix = first_prefix(SYSTEM, MANY, mode, {"tool_3"})  # type: ignore[arg-type]  # one of the modes
    assert [tool.name for tool in prefix.tools if not tool.is_deferred] == ["tool_3"]
    assert len(prefix.tools) == len(MANY)


@pytest.mark.proves("costs.search")
def test_without_references_the_others_are_not_sent_at_all() -> None:
    prefix = first_prefix(SYSTEM, MANY, "indirect", {"tool_3"})
    assert [tool.name for tool in prefix.tools] == ["tool_3"]
    assert grown(prefix, [*MANY, definition("new")], ()) == prefix


@pytest.mark.proves("append-only.prefix")
def test_new_tools_come_behind_the_others_and_are_deferred() -> None:
    prefix = first_prefix(SYSTEM, MANY[:2], "references", ())
    longer = grown(prefix, [definition("first"), *MANY[:2]], ())
    assert longer.tools[:2] == prefix.tools
    assert [(tool.name, tool.is_deferred) for tool in longer.tools[2:]] == [("first", True)]


@pytest.mark.proves("append-only.prefix")
def test_only_a_deferred_tool_that_nobody_used_is_replaced() -> None:
    prefix = first_prefix(SYSTEM, MANY, "references", {"tool_0"})
    changed = [definition(each.name, "Does it otherwise.") for each in MANY[:3]]
    after = grown(prefix, changed, {"tool_1"})
    encoded = {tool.name: tool.encoded for tool in after.tools}
    assert encoded["tool_0"] == MANY[0].encoded, "shown from the start"
    assert encoded["tool_1"] == MANY[1].encoded, "referred to"
    assert encoded["tool_2"] == changed[2].encoded, "not seen yet"


definitions = st.lists(
    st.builds(definition, st.sampled_from([f"tool_{i}" for i in range(40)]), st.sampled_from(["One.", "Two."])),
    unique_by=lambda each: each.name,
    max_size=40,
)


@pytest.mark.proves("append-only.prefix")
@given(definitions, st.lists(definitions, max_size=4), st.frozensets(st.sampled_from(["tool_1", "tool_2"])))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_and_goes_the_shown_tools_stay(
    first: list[ToolDefinition], later: list[list[ToolDefinition]], used: frozenset[str]
) -> None:
    prefix = first_prefix(SYSTEM, first, "references", {"tool_0"})
    fixed = [tool for tool in prefix.tools if not tool.is_deferred or tool.name in used]
    for moment in later:
        before = prefix
        prefix = grown(prefix, moment, used)
        assert [tool for tool in prefix.tools if tool in fixed] == fixed
        assert [tool.name for tool in prefix.tools][: len(before.tools)] == [tool.name for tool in before.tools]
        assert {each.name for each in moment} <= prefix.tool_names


@pytest.mark.proves("append-only.prefix", "append-only.lost-right")
def test_a_withdrawn_tool_is_told_once_and_again_when_it_is_back() -> None:
    prefix = first_prefix(SYSTEM, MANY[:2], "references", ())
    gone = tool_changes(prefix, MANY[:1], (), {})
    assert gone.withdrawn == ("tool_1",)
    told = announcement(gone, has_tool_changes=True, state={})
    assert told.system == ({"type": "tool_removal", "tool": {"type": "tool_reference", "name": "tool_1"}},)
    assert "tool_1" in told.context[0]
    state = told.state or {}
    assert not tool_changes(prefix, MANY[:1], (), state)
    back = tool_changes(prefix, MANY[:2], (), state)
    assert back.restored == ("tool_1",)
    again = announcement(back, has_tool_changes=True, state=state)
    assert [block["type"] for block in again.system] == ["tool_addition"]
    assert not tool_changes(prefix, MANY[:2], (), again.state or {})


@pytest.mark.proves("append-only.prefix")
def test_without_system_messages_changes_are_told_in_the_users_message() -> None:
    prefix = first_prefix(SYSTEM, MANY[:2], "references", ())
    told = announcement(tool_changes(prefix, [], (), {}), has_tool_changes=False, state={})
    assert told.system == ()
    assert "tool_0, tool_1" in told.context[0]


@pytest.mark.proves("append-only.prefix")
def test_a_new_definition_of_a_tool_in_use_is_told_once() -> None:
    prefix = first_prefix(SYSTEM, MANY[:1], "references", ())
    now = [definition("tool_0", "Does it otherwise.")]
    changes = tool_changes(prefix, now, (), {})
    assert changes.redefined == tuple(now)
    told = announcement(changes, has_tool_changes=True, state={})
    assert "Does it otherwise." in told.context[0]
    assert not tool_changes(prefix, now, (), told.state or {})


@pytest.mark.proves("append-only.prefix")
def test_where_no_new_tool_can_come_none_is_told_of() -> None:
    prefix = first_prefix(SYSTEM, MANY[:2], "indirect", ("tool_0",))
    growth = growth_of("indirect", Capabilities())
    assert not tool_changes(prefix, MANY, (), {}, growth)
    assert growth_of("off", Capabilities()) == "never"


@pytest.mark.proves("append-only.prefix")
def test_without_a_search_a_new_tool_is_added_or_shown() -> None:
    prefix = first_prefix(SYSTEM, MANY[:2], "off", ())
    changes = tool_changes(prefix, MANY[:3], (), {})
    told = announcement(changes, has_tool_changes=True, state={}, has_search=False)
    assert told.system == ({"type": "tool_addition", "tool": {"type": "tool_reference", "name": "tool_2"}},)
    assert "search_tools" not in told.context[0]
    growth = growth_of("off", Capabilities(checks_thinking=False))
    assert not grown(prefix, MANY[:3], (), (), growth).tools[2].is_deferred


@pytest.mark.proves("append-only.prefix")
def test_a_definition_that_changes_back_is_told() -> None:
    prefix = first_prefix(SYSTEM, MANY[:1], "references", ("tool_0",))
    changed = tool_changes(prefix, [definition("tool_0", "Else.")], (), {})
    state = announcement(changed, has_tool_changes=False, state={}).state or {}
    assert [each.name for each in tool_changes(prefix, MANY[:1], (), state).redefined] == ["tool_0"]
