"""The checks of the database: whether it has all that the service needs, and whether its clock is right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.checks.findings import Finding, embedded, listed
from shared.domain.errors import GraphError, GraphUnavailable
from shared.graph import inspection
from shared.graph.connector import opened
from shared.graph.versions import versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.checks.findings import Installation
    from shared.graph.connector import Connection

_MAX_CLOCK_SECONDS = 5.0
_SET_UP = "Run `imbi-assistant setup`."


async def check_database(installation: Installation) -> Sequence[Finding]:
    """Check the versions, the graph with its parts, and the rights of the role. Nothing is written."""
    if "database" in installation.embedded:
        return embedded("database")
    settings = installation.settings
    try:
        async with opened(settings.postgres_url.get_secret_value()) as connection:
            finding = await graph_finding(connection, settings.postgres_graph_name)
    except GraphUnavailable as error:
        return [_failed(f"The database cannot be reached: {error}. Check POSTGRES_URL and the network.")]
    except GraphError as error:
        return [_failed(f"The database cannot be checked: {error}. Check POSTGRES_URL and the rights of its role.")]
    return [finding]


async def check_clock(installation: Installation) -> Sequence[Finding]:
    """Compare the clocks of this machine and of the database."""
    if "database" in installation.embedded:
        return embedded("clock")
    try:
        async with opened(installation.settings.postgres_url.get_secret_value()) as connection:
            before = time.time()
            there = await inspection.clock(connection)
            here = (before + time.time()) / 2
    except GraphError:
        return [Finding("clock", "failed", "The database's clock cannot be read. See the line of the database.")]
    return [clock_finding(there - here)]


def clock_finding(seconds: float) -> Finding:
    """Judge the difference of the clocks, in seconds; it is positive if the database's clock is ahead."""
    if abs(seconds) <= _MAX_CLOCK_SECONDS:
        return Finding("clock", "ok", f"The clocks of this machine and of the database differ by {abs(seconds):.1f} s.")
    order = "ahead of" if seconds > 0 else "behind"
    detail = f"The database's clock is {abs(seconds):.0f} s {order} this machine's. Synchronize both clocks, with NTP."
    return Finding("clock", "warning", detail)


async def graph_finding(connection: Connection, graph_name: str) -> Finding:
    """Judge the database, as the role of the connection sees it.

    Raises:
        GraphError: a statement failed, if the connection is one of `opened`.
    """
    here = await versions(connection)
    if here.age is None:
        return _failed(f"PostgreSQL {here.postgresql} is reached, but Apache AGE is not installed in it. {_SET_UP}")
    if here.problem is not None:
        return _failed(here.problem)
    found = f"PostgreSQL {here.postgresql} with Apache AGE {here.age} is reached"
    rights = await inspection.missing_rights(connection, graph_name)
    if any("ag_" in right for right in rights):
        return _failed(f"{found}, but {_lacking(rights)}")
    if not await inspection.has_graph(connection, graph_name):
        return _failed(f"{found}, but the graph {graph_name} does not exist. Check POSTGRES_GRAPH_NAME. {_SET_UP}")
    problems = []
    if missing := await inspection.missing_parts(connection, graph_name):
        problems.append(f"the graph {graph_name} lacks: {listed(missing)}. {_SET_UP}")
    if rights:
        problems.append(_lacking(rights))
    if problems:
        return _failed(f"{found}, but {' Also, '.join(problems)}")
    return Finding("database", "ok", f"{found}, and the graph {graph_name} is complete.")


def _lacking(rights: Sequence[str]) -> str:
    return (
        f"the role of POSTGRES_URL lacks rights: {listed(rights)}. Grant them; docs/operations.md has the statements."
    )


def _failed(detail: str) -> Finding:
    return Finding("database", "failed", detail)
