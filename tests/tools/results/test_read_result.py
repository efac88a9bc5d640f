"""The tool that reads on in a long result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.errors import ToolError
from shared.domain.models import Caller, Principal
from shared.tools.results.read_result import READ_RESULT, ReadResultToolset
from shared.tools.results.store import ResultStore

if TYPE_CHECKING:
    from shared.domain.models import JsonObject


CALLER = Caller(Principal("a@example.com", "A"), "token")


@pytest.mark.proves("costs.read-on")
@pytest.mark.parametrize(
    "arguments", [{}, {"id": 3, "offset": 0}, {"id": "t", "offset": "0"}, {"id": "t", "offset": 0}]
)
async def test_there_is_nothing_to_read_on_in(arguments: JsonObject) -> None:
    toolset = ReadResultToolset(ResultStore(), 10)
    await toolset.ensure_loaded()
    with pytest.raises(ToolError):
        await toolset.call("read_result", arguments, CALLER)
    await toolset.aclose()


@pytest.mark.proves("costs.read-on")
def test_where_nothing_is_cut_there_is_no_reading_on() -> None:
    assert ReadResultToolset(ResultStore(), 0).definitions(CALLER.principal) == ()


def test_the_tool_takes_what_the_notice_says() -> None:
    assert READ_RESULT.name == "read_result"
    assert READ_RESULT.input_schema["required"] == ["id", "offset"]


async def test_the_tool_returns_the_next_page() -> None:
    store = ResultStore()
    store.add(CALLER.principal.subject, "t", "x" * 15)
    output = await ReadResultToolset(store, 10).call("read_result", {"id": "t", "offset": 10}, CALLER)
    assert output.is_cut
    assert str(output.content).startswith("xxxxx\n\n[This is the end")
