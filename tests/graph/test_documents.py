"""The Imbi API's document is stored from one start to the next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.graph.connector import Graph
from shared.graph.documents import WRITE, DocumentCache
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Graph]:
    own = Database(database.dsn, new_graph_name())
    await own.prepare()
    graph = Graph(own.dsn, own.graph_name, min_size=0)
    await graph.open()
    yield graph
    await graph.aclose()
    await own.drop()


@pytest.mark.proves("start.kept-document")
async def test_the_last_document_is_kept(graph: Graph) -> None:
    kept = DocumentCache(graph, "http://api:8000")
    assert await kept.read() is None
    for content in (b'{"a": "\\u0000 it\'s $$ {}"}', json.dumps({"b": "x" * 700_000}).encode(), b"\xff\x00"):
        await kept.write(content)
        assert await kept.read() == content
    assert await DocumentCache(graph, "http://other:8000").read() is None


@pytest.mark.proves("start.kept-document")
async def test_a_missing_graph_costs_only_the_stored_document(database: Database) -> None:
    graph = Graph(database.dsn, "no_such_graph", min_size=0)
    await graph.open()
    kept = DocumentCache(graph, "http://api:8000")
    await kept.write(b"{}")
    assert await kept.read() is None
    await graph.aclose()


@pytest.mark.proves("start.kept-document")
@pytest.mark.parametrize("content", ["no base64", "eA=="])
async def test_a_foreign_document_in_the_database_is_not_read(graph: Graph, content: str) -> None:
    await graph.write(WRITE.bind(name="http://api:8000", content=content))
    assert await DocumentCache(graph, "http://api:8000").read() is None
