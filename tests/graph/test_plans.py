"""The plans of the statements about conversations, for very many conversations of others and of one user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import errors

from shared.graph.schema import set_up
from shared.graph.statements import Cypher, Sql
from tests.support.database import Database, new_graph_name
from tests.support.multitude import add_conversations
from tests.support.statement_plans import ALL, WITHOUT_CLEANING, explained, generic_plan_of, plan_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONVERSATIONS = 10_000
MESSAGES = 10
TIMES = 10
"""How many times more the planner is told that there are: 100,000 conversations, a million messages."""

pytestmark = pytest.mark.slow
"""So many rows take a while; `test_indexes` explains the same statements over fewer."""

LARGE = frozenset({"Conversation", "Message"})
LISTS = tuple(f"conversation_statements.LIST_{name}" for name in ("ALL", "ALL_BEFORE", "CURRENT", "CURRENT_BEFORE"))
AS_BOOLEAN = "::boolean"
"""How PostgreSQL compares agtypes where it does not find AGE's own operators."""

HOARDER = "user-7@example.com"
"""Whom the statements are explained for."""


@pytest.fixture(scope="module")
async def multitude(database: Database, anyio_backend: str) -> AsyncIterator[Database]:  # noqa: ARG001  # a module's fixture needs the module's loop
    large = Database(database.dsn, new_graph_name())
    await set_up(large.dsn, large.graph_name)
    await add_conversations(large, "others@example.com", CONVERSATIONS // 2, MESSAGES)
    await add_conversations(large, HOARDER, CONVERSATIONS // 2, MESSAGES)
    await exaggerate(large)
    yield large
    await large.drop()


async def exaggerate(database: Database) -> None:
    """Make the planner expect more rows; this needs a superuser."""
    relations = """UPDATE pg_class SET reltuples = reltuples * %s
                    WHERE reltuples > 0 AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)"""
    async with database.connected() as connection:
        try:
            await connection.execute(relations, (TIMES, database.graph_name))
        except errors.InsufficientPrivilege:
            return


@pytest.mark.proves("graph.indexed")
@pytest.mark.parametrize("name", WITHOUT_CLEANING)
async def test_no_statement_reads_through_a_multitude(multitude: Database, name: str) -> None:
    nodes = await plan_of(multitude, ALL[name])
    assert {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & LARGE == set()


@pytest.mark.proves("graph.indexed")
@pytest.mark.parametrize("name", LISTS)
async def test_the_newest_are_listed_from_the_index_without_sorting_all(multitude: Database, name: str) -> None:
    kinds = [node["Node Type"] for node in await plan_of(multitude, ALL[name])]
    assert kinds == ["Limit", "Index Scan"]


@pytest.mark.proves("graph.indexed")
@pytest.mark.parametrize("name", [name for name in LISTS if name.endswith("_BEFORE")])
async def test_a_later_page_begins_in_the_index_where_the_one_before_ended(multitude: Database, name: str) -> None:
    limit = await explained(multitude, ALL[name])
    [scan] = limit["Plans"]
    assert "ROW(" in scan["Index Cond"]
    assert "ROW(" not in scan.get("Filter", "")


@pytest.mark.proves("graph.prepared-statements")
@pytest.mark.parametrize("name", WITHOUT_CLEANING)
async def test_a_plan_for_any_values_reads_through_no_multitude(multitude: Database, name: str) -> None:
    statement = ALL[name]
    assert isinstance(statement, Sql)
    try:
        nodes = await generic_plan_of(multitude, statement)
    except errors.SyntaxError:
        pytest.skip("PostgreSQL 15 does not explain generic plans")
    assert {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & LARGE == set()
    if name in LISTS:
        assert [node["Node Type"] for node in nodes] == ["Limit", "Index Scan"]


@pytest.mark.proves("graph.no-session-state")
@pytest.mark.parametrize("name", ALL)
async def test_no_statement_needs_a_search_path(multitude: Database, name: str) -> None:
    paths = ("ag_catalog, pg_catalog", "pg_catalog")
    plans = [await explained(multitude, ALL[name], f"search_path = {path}") for path in paths]
    with_age, without = (json.dumps(plan).count(AS_BOOLEAN) for plan in plans)
    assert without == with_age


@pytest.mark.proves("graph.no-session-state")
async def test_a_statement_that_needs_a_search_path_is_found_out(multitude: Database) -> None:
    needy = Sql('SELECT a.id FROM {graph}."Message" a JOIN {graph}."Message" b ON a.properties = b.properties')
    assert AS_BOOLEAN not in json.dumps(await explained(multitude, needy, "search_path = ag_catalog"))
    assert AS_BOOLEAN in json.dumps(await explained(multitude, needy, "search_path = pg_catalog"))


@pytest.mark.proves("graph.indexed")
async def test_a_careless_statement_is_found_out(multitude: Database) -> None:
    careless: Cypher | Sql = Cypher("MATCH (message:Message {id: $id}) RETURN message")
    nodes: list[dict[str, Any]] = await plan_of(multitude, careless)
    assert any(node["Node Type"] == "Seq Scan" for node in nodes)
