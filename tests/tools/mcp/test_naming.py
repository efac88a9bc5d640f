"""The names of external tools."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import ToolError
from shared.tools.mcp.naming import ToolNames, ToolOrigin
from tests.support.clock import Clock
from tests.support.mcp_hosts import (
    ADA,
    names,
    scripted,
    tool,
    toolset_of,
)

pytestmark = pytest.mark.anyio


@pytest.mark.proves("external.names")
async def test_names_are_valid_unique_and_the_same_at_every_start() -> None:
    odd = [tool(name) for name in ("a b", "a/b", "a_b", "日本", "x" * 200, "y" * 60, "a_b", 7, "", None)]
    async with scripted(odd) as one, scripted([tool("a_b"), tool("c")]) as two:
        nodes = one.node("one", tool_prefix="p"), two.node("two", tool_prefix="p"), two.node("three", tool_prefix="p_a")
        async with toolset_of(*nodes) as toolset:
            await toolset.ensure_loaded()
            offered = names(toolset)
        async with toolset_of(*nodes) as toolset:
            await toolset.ensure_loaded()
            assert names(toolset) == offered, "the same at every start"
    assert len(set(offered)) == len(offered) == 6 + 2 + 2
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in offered)
    assert {"mcp_p_a_b", "mcp_p_c", "mcp_p_a_c", "mcp_p_a_a_b"} < set(offered)


@pytest.mark.proves("external.names")
async def test_reserved_names_win_and_a_name_stays_with_its_tool() -> None:
    clock = Clock()
    taken: set[str] = set()

    def said(word: str) -> Any:
        return lambda _params: {"content": [{"type": "text", "text": word}]}

    async with scripted([tool("x")], said("one")) as one, scripted([tool("x")], said("two")) as two:
        nodes = one.node("one", tool_prefix="p"), two.node("two", tool_prefix="p")
        await one.stop()
        async with toolset_of(*nodes, clock=clock, reserved=lambda: frozenset(taken)) as toolset:
            await toolset.ensure_loaded()
            assert names(toolset) == ["mcp_p_x"]
            await one.start()
            clock.now += 20
            await toolset.ensure_loaded()
            assert len(names(toolset)) == 2
            assert (await toolset.call("mcp_p_x", {}, ADA)).content == "two", "the name is still the same tool's"
            taken.add("mcp_p_x")
            assert "mcp_p_x" not in names(toolset)
            contents = {str((await toolset.call(name, {}, ADA)).content) for name in names(toolset)}
            assert contents == {"one", "two"}
            with pytest.raises(ToolError, match="There is no tool named 'mcp_p_x'"):
                await toolset.call("mcp_p_x", {}, ADA)


@pytest.mark.proves("external.names")
@given(
    origins=st.lists(
        st.builds(ToolOrigin, st.sampled_from("ab"), st.sampled_from(["a", "a_b", "ö"]), st.text(max_size=4)),
        unique=True,
    )
)
def test_assigned_names_are_unique_stable_and_independent_of_order(origins: list[ToolOrigin]) -> None:
    book = ToolNames()
    first = book.assign(origins, ())
    assert len(set(first.values())) == len(origins)
    assert book.assign(origins[::-1], ()) == first
    assert ToolNames().assign(origins[::-1], ()) == first
    reserved = set(first.values())
    assert not reserved & set(book.assign(origins, reserved).values())


def test_the_names_of_removed_servers_can_be_assigned_again() -> None:
    book = ToolNames()
    gone, new = ToolOrigin("gone", "p", "x"), ToolOrigin("new", "p", "x")
    assert book.assign([gone], ()) == {gone: "mcp_p_x"}
    assert book.assign([new], ())[new] != "mcp_p_x"
    book.keep_only(["other"])
    assert book.assign([new], ()) == {new: "mcp_p_x"}


def test_names_of_tools_that_are_gone_are_forgotten_when_there_are_very_many() -> None:
    book = ToolNames()
    stays = ToolOrigin("s", "p", "stays")
    for number in range(60):
        book.assign([stays, *(ToolOrigin("s", "p", f"{number}_{place}") for place in range(200))], ())
    assert book.assign([stays], ()) == {stays: "mcp_p_stays"}
    first, other = ToolOrigin("s", "p", "0_0"), ToolOrigin("t", "p", "0_0")
    assert book.assign([other], ()) == {other: "mcp_p_0_0"}, "the name of a forgotten tool is free"
    assert book.assign([first], ())[first] != "mcp_p_0_0"
