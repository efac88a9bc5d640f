"""The prefixes of conversations in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.chat.prefixes import Prefixes
from shared.domain.requests import OfferedTool, Prefix, SystemPrompt
from shared.graph.connector import Graph
from shared.graph.contents import Contents, stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.database import Database

TOOLS = tuple(OfferedTool(f"tool_{i}", b'{"name":"tool_%d"}' % i, is_deferred=i > 1) for i in range(5))
PREFIX = Prefix(SystemPrompt("Static 😀.", "Personal $$ 'quoted'."), TOOLS, "references")


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Graph]:
    graph = Graph(database.dsn, database.graph_name)
    yield graph
    await graph.aclose()


async def store(graph: Graph, prefixes: Prefixes, prefix: Prefix) -> str:
    key, contents = prefixes.encode(prefix)
    if contents:
        await graph.write(stored(contents))
    prefixes.note_stored(key, contents)
    return key


@pytest.mark.proves("append-only.prefix")
async def test_a_prefix_is_read_as_it_was_stored(graph: Graph) -> None:
    key = await store(graph, Prefixes(Contents(graph)), PREFIX)
    assert await Prefixes(Contents(graph)).read(key) == PREFIX


@pytest.mark.proves("append-only.prefix")
async def test_equal_parts_are_stored_once(graph: Graph) -> None:
    prefixes = Prefixes(Contents(graph))
    await store(graph, prefixes, PREFIX)
    assert prefixes.encode(PREFIX)[1] == {}
    other = Prefix(SystemPrompt("Static 😀.", "Of somebody else."), TOOLS, "references")
    assert len(prefixes.encode(other)[1]) == 2, "the text about the user, and the list of all parts"


@pytest.mark.proves("append-only.prefix")
async def test_a_prefix_that_is_lost_is_made_anew(graph: Graph) -> None:
    prefixes = Prefixes(Contents(graph))
    assert await prefixes.read(None) is None
    assert await prefixes.read("0" * 64) is None
