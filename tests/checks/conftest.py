"""The fixtures of the checks: a graph, which a test may damage if it is its own, and the variables that lead to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from shared.graph.schema import set_up
from tests.support.background import entered
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@asynccontextmanager
async def complete(database: Database) -> AsyncIterator[Database]:
    """Yield a complete and empty graph."""
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    yield own
    await own.drop()


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Database]:
    """Return a graph of the test's own."""
    async with complete(database) as own:
        yield own


@pytest.fixture(scope="session")
def untouched(database: Database) -> Iterator[Database]:
    """Return a graph that no test changes."""
    with entered(complete(database), "graph") as shared:
        yield shared


@pytest.fixture
def given(request: pytest.FixtureRequest, variables: dict[str, str], imbi_api: str) -> dict[str, str]:
    """Return the variables of an installation that works; its graph is the test's own if the test takes one."""
    graph = request.getfixturevalue("graph" if "graph" in request.fixturenames else "untouched")
    return variables | {"POSTGRES_GRAPH_NAME": graph.graph_name, "IMBI_INTERNAL_UI_URL": imbi_api}
