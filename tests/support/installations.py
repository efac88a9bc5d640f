"""Installations for the tests of `shared.checks`: run checks, register servers, damage a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.checks.configuration import read_installation
from shared.checks.run import CHECKS, WITH_MODEL, run_checks

if TYPE_CHECKING:
    from shared.checks.findings import Finding
    from tests.support.database import Database

NOWHERE = "http://127.0.0.1:1"
CANARY = "canary-5f1d"


async def found(given: dict[str, str], *names: str, **changes: str | None) -> dict[str, Finding]:
    """Run the named checks, or all but that of the model; return the findings by their subjects."""
    variables = {name: value for name, value in (given | changes).items() if value is not None}
    checks = {name: WITH_MODEL[name] for name in names} or CHECKS
    findings = await run_checks(read_installation(variables), checks)
    return {finding.check: finding for finding in findings}


async def register(graph: Database, name: str, url: str, **properties: Any) -> None:
    row = {"slug": name.lower(), "name": name, "url": url, "enabled": True} | properties
    names = ", ".join(f"{key}: ${key}" for key in row)
    await graph.cypher(f"CREATE (s:MCPServer {{{names}}}) RETURN 1", **row)


async def execute(graph: Database, statement: str) -> None:
    async with graph.connected() as connection:
        await connection.execute(statement.format(graph=graph.graph_name).encode())
