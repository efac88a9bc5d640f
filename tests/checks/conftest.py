"""The fixtures of the checks: a graph of their own, which a test may damage, and the variables that lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.graph.schema import set_up
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Database]:
    """Return a complete and empty graph."""
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    yield own
    await own.drop()


@pytest.fixture
def given(variables: dict[str, str], graph: Database, imbi_api: str) -> dict[str, str]:
    """Return the variables of an installation that works."""
    return variables | {"POSTGRES_GRAPH_NAME": graph.graph_name, "IMBI_INTERNAL_UI_URL": imbi_api}
