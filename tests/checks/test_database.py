"""The checks of the database, against a graph that is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import errors

from shared.checks.configuration import read_installation
from shared.checks.database import clock_finding, graph_finding
from shared.checks.report import table
from shared.checks.run import CHECKS, run_checks
from tests.support.installations import CANARY, execute, found

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.mark.proves("check.problems")
async def test_a_graph_that_does_not_exist_is_named(given: dict[str, str]) -> None:
    finding = (await found(given, "database", POSTGRES_GRAPH_NAME="not_there"))["database"]
    assert finding.state == "failed"
    assert "not_there does not exist" in finding.detail
    assert "`imbi-assistant setup`" in finding.detail


@pytest.mark.proves("check.problems")
@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ('DROP INDEX "{graph}"."imbi_assistant_User_email"', "index User(email)"),
        ('DROP TABLE "{graph}".imbi_assistant_lease', "table imbi_assistant_lease"),
        ("SELECT ag_catalog.drop_label('{graph}', 'APIKey')", "vertex label APIKey"),
        ("SELECT ag_catalog.drop_label('{graph}', 'CONTAINS')", "edge label CONTAINS"),
    ],
)
async def test_a_missing_part_of_the_graph_is_named(
    given: dict[str, str], graph: Database, damage: str, named: str
) -> None:
    await execute(graph, damage)
    finding = (await found(given, "database"))["database"]
    assert finding.state == "failed"
    assert named in finding.detail
    assert "`imbi-assistant setup`" in finding.detail


@pytest.mark.proves("check.problems")
async def test_a_right_that_the_role_lacks_is_named(graph: Database) -> None:
    role = f"reader_{graph.graph_name}"
    await execute(graph, f"CREATE ROLE {role}")
    await execute(graph, f'GRANT USAGE ON SCHEMA ag_catalog, "{{graph}}" TO {role}')
    await execute(graph, f'GRANT SELECT ON ALL TABLES IN SCHEMA ag_catalog, "{{graph}}" TO {role}')
    async with graph.connected() as connection:
        await connection.execute(f"SET ROLE {role}".encode())
        finding = await graph_finding(connection, graph.graph_name)
        await connection.execute(b"RESET ROLE")
    await execute(graph, f"DROP OWNED BY {role}")
    await execute(graph, f"DROP ROLE {role}")
    assert finding.state == "failed"
    assert "lacks rights: INSERT on Conversation" in finding.detail


@pytest.mark.proves("check.secrets")
async def test_a_connection_string_that_cannot_be_read_is_not_repeated(given: dict[str, str]) -> None:
    installation = read_installation(given | {"POSTGRES_URL": f"postgresql://nobody:{CANARY}%zz@127.0.0.1/none"})
    findings = await run_checks(installation, {"database": CHECKS["database"]})
    assert [finding.state for finding in findings] == ["failed"]
    assert CANARY not in table(findings)
    assert "POSTGRES_URL" in findings[0].detail


@pytest.mark.proves("check.problems")
@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [(0.2, "ok", "0.2 s"), (-4.9, "ok", "4.9 s"), (6.0, "warning", "6 s ahead of"), (-90.0, "warning", "90 s behind")],
)
def test_clocks_may_differ_by_five_seconds(seconds: float, state: str, words: str) -> None:
    finding = clock_finding(seconds)
    assert finding.state == state
    assert words in finding.detail


@pytest.mark.proves("check.problems")
@pytest.mark.parametrize(("version", "state"), [("1.4.9", "failed"), ("1.5.0", "ok"), ("1.10.0", "ok")])
async def test_an_age_that_is_too_old_is_named(graph: Database, version: str, state: str) -> None:
    async with graph.connected() as connection, connection.transaction(force_rollback=True):
        try:
            await connection.execute("UPDATE pg_extension SET extversion = %s WHERE extname = 'age'", (version,))
        except errors.InsufficientPrivilege:
            pytest.skip("only a superuser can change the catalog")
        finding = await graph_finding(connection, graph.graph_name)
    assert finding.state == state
    assert version in finding.detail
    assert ("needs 1.5 or newer" in finding.detail) == (state == "failed")
