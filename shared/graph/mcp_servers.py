"""The external MCP servers that operators have registered, and their health."""

from __future__ import annotations

import logging
import math
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from shared.domain.models import MCPServer
from shared.graph import security_fields
from shared.graph.security_fields import Malformed
from shared.graph.statements import Sql, agtype_parameter, property_of
from shared.graph.vertex_changes import CHANGED_PROPERTIES, changing

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.connector import Graph

FIND_ALL = Sql('SELECT properties FROM {graph}."MCPServer"')

_TESTED_AT = property_of("last_tested_at")

RECORD_HEALTH = Sql(f"""
    UPDATE {{graph}}."MCPServer" SET properties = {CHANGED_PROPERTIES}
     WHERE coalesce({property_of("slug")}, {property_of("id")}) OPERATOR(ag_catalog.=) {agtype_parameter("slug")}
       AND ({_TESTED_AT} IS NULL OR {_TESTED_AT} OPERATOR(ag_catalog.<=) {agtype_parameter("before")}
            OR {_TESTED_AT} OPERATOR(ag_catalog.>) {agtype_parameter("now")})
    RETURNING 'true'
""")  # noqa: S608  # values are bound
"""Writes nothing if any process has written since `before`. The times are ISO 8601 in UTC, which sort as text."""

_HEALTH_INTERVAL = timedelta(minutes=1)
_DEFAULT_TIMEOUT_SECONDS = 30.0

log = logging.getLogger(__name__)


class MCPServers:
    """The registered servers."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def enabled(self) -> tuple[MCPServer, ...]:
        """List the enabled servers by slug. A node without a slug or URL, or with a malformed list, is left out.

        Raises:
            GraphError: the database cannot be reached, or there is no such label.
        """
        (rows,) = await self._graph.read(FIND_ALL.bind())
        nodes = [row[0] for row in rows if isinstance(row[0], dict)]
        servers = [_server(node) for node in nodes if node.get("enabled") is True]
        found = {server.slug: server for server in servers if server is not None}
        return tuple(found[slug] for slug in sorted(found))

    async def record_health(
        self,
        slug: str,
        *,
        status: str,
        error: str | None,
        tested_at: datetime,
        latency_ms: int,
        tools_discovered: int | None,
    ) -> None:
        """Write the health of a server, unless any process has written it within the minute before `tested_at`.

        Raises:
            GraphError: the database cannot be reached, refuses the change, or another writer changed the node.
        """
        now = _iso(tested_at)
        health: JsonObject = {
            "status": status,
            "last_error": error,
            "last_tested_at": now,
            "last_tested_latency_ms": latency_ms,
        }
        if tools_discovered is not None:
            health["tools_discovered"] = tools_discovered
        before = _iso(tested_at - _HEALTH_INTERVAL)
        bound = RECORD_HEALTH.bind(slug=slug, before=before, now=now, **changing(health))
        await self._graph.write(bound)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _server(node: JsonObject) -> MCPServer | None:
    slug, url = _text(node, "slug") or _text(node, "id"), _text(node, "url")
    if not slug or not url:
        log.warning("an MCPServer node has no slug or no URL and is left out")
        return None
    try:
        ignored = security_fields.names(node, "ignored_tools")
    except Malformed as error:
        log.warning("the MCP server %s is left out, because %s", slug, error)
        return None
    return MCPServer(
        slug=slug,
        name=_text(node, "name") or slug,
        url=url,
        tool_prefix=_text(node, "tool_prefix") or slug,
        timeout=_seconds(node.get("timeout")),
        trusted=node.get("trusted") is True,
        verify_ssl=node.get("verify_ssl") is not False,
        ignored_tools=ignored,
        auth_type=_auth_type(node.get("auth_type")),
        static_header=_text(node, "static_header") or "Authorization",
        static_value_encrypted=_text(node, "static_value_encrypted"),
        oauth_token_url=_text(node, "oauth_token_url"),
        oauth_client_id=_text(node, "oauth_client_id"),
        oauth_client_secret_encrypted=_text(node, "oauth_client_secret_encrypted"),
        oauth_scope=_text(node, "oauth_scope"),
    )


def _auth_type(value: JsonValue) -> str:
    """Return the kind of a server's authentication; what is no text is none that the service knows."""
    if value is None:
        return "none"
    return value.strip() or "none" if isinstance(value, str) else "malformed"


def _text(node: JsonObject, key: str) -> str:
    value = node.get(key)
    return value.strip() if isinstance(value, str) else ""


def _seconds(value: JsonValue) -> float:
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        return _DEFAULT_TIMEOUT_SECONDS
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_TIMEOUT_SECONDS
