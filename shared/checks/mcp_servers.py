"""The check of the external MCP servers: whether each one lists its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chat.assembly import mcp_connector
from shared.checks.findings import Finding, embedded
from shared.domain.errors import GraphError
from shared.graph.connector import Graph, opened
from shared.graph.mcp_servers import MCPServers
from shared.tools.mcp.toolset import ExternalToolset
from shared.tools.results.redaction import without_internals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.checks.findings import Installation
    from shared.domain.models import MCPServer
    from shared.settings import Settings
    from shared.tools.sources import SourceReport

_LISTING_SECONDS = 8.0
"""Below the time limit of a check, so that a server that does not answer is named."""


async def enabled_servers(settings: Settings) -> tuple[MCPServer, ...]:
    """Read the enabled servers from the graph.

    Raises:
        GraphError: the database cannot be reached, or the graph has no such label.
    """
    dsn = settings.postgres_url.get_secret_value()
    async with opened(dsn):
        # A pool would try for seconds to reach a database that refuses every connection.
        graph = Graph(dsn, settings.postgres_graph_name, min_size=0, max_size=1)
        try:
            return await MCPServers(graph).enabled()
        finally:
            await graph.aclose()


async def check_mcp_servers(installation: Installation) -> Sequence[Finding]:
    """List the tools of every enabled server, through the same connections as the service. No health is written."""
    if "database" in installation.embedded:
        return embedded("mcp")
    try:
        servers = await enabled_servers(installation.settings)
    except GraphError:
        return [Finding("mcp", "failed", "The list of servers cannot be read. See the line of the database.")]
    if not servers:
        return [Finding("mcp", "ok", "No server is enabled.")]

    async def known() -> Sequence[MCPServer]:
        return servers

    tools = ExternalToolset(known, mcp_connector(installation.settings))
    try:
        return [_finding(report) for report in await tools.refresh(_LISTING_SECONDS)]
    finally:
        await tools.aclose()


def _finding(report: SourceReport) -> Finding:
    check = f"mcp {report.name}"
    notes = "".join(f" {note}" for note in report.notes)
    if report.problem is not None:
        advice = "Check its registration in Imbi and that it runs."
        return Finding(check, "failed", f"{without_internals(report.problem)}{notes} {advice}")
    found = f"It lists {report.tools} tool{'' if report.tools == 1 else 's'}.{notes}"
    return Finding(check, "warning" if report.notes or not report.tools else "ok", found)
