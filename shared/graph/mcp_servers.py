"""The external MCP servers that operators have registered: one statement, read anew now and then."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from shared.domain.models import MCPServer
from shared.graph import agtype
from shared.graph.statements import Sql

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.connector import Graph

FIND_ALL = Sql('SELECT properties FROM {graph}."MCPServer"')

_TIMEOUT_SECONDS = 30.0

log = logging.getLogger(__name__)


class MCPServers:
    """The registered servers."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def enabled(self) -> tuple[MCPServer, ...]:
        """List the enabled servers by slug; a node that names no server is left out and logged.

        Raises:
            GraphError: the database cannot be reached, or there is no such label.
        """
        (rows,) = await self._graph.read(FIND_ALL.bind())
        nodes = [row[0] for row in rows if isinstance(row[0], dict)]
        servers = [_server(node) for node in nodes if node.get("enabled") is True]
        found = {server.slug: server for server in servers if server is not None}
        return tuple(found[slug] for slug in sorted(found))


def _server(node: JsonObject) -> MCPServer | None:
    slug, url = _text(node, "slug") or _text(node, "id"), _text(node, "url")
    if not slug or not url:
        log.warning("an MCPServer node has no slug or no URL and is left out")
        return None
    ignored = agtype.structure(node.get("ignored_tools"))
    return MCPServer(
        slug=slug,
        name=_text(node, "name") or slug,
        url=url,
        tool_prefix=_text(node, "tool_prefix") or slug,
        timeout=_seconds(node.get("timeout")),
        verify_ssl=node.get("verify_ssl") is not False,
        ignored_tools=frozenset(str(name) for name in ignored) if isinstance(ignored, list) else frozenset(),
        auth_type=_text(node, "auth_type") or "none",
        static_header=_text(node, "static_header") or "Authorization",
        static_value_encrypted=_text(node, "static_value_encrypted"),
        oauth_token_url=_text(node, "oauth_token_url"),
        oauth_client_id=_text(node, "oauth_client_id"),
        oauth_client_secret_encrypted=_text(node, "oauth_client_secret_encrypted"),
        oauth_scope=_text(node, "oauth_scope"),
    )


def _text(node: JsonObject, key: str) -> str:
    value = node.get(key)
    return value.strip() if isinstance(value, str) else ""


def _seconds(value: JsonValue) -> float:
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        return _TIMEOUT_SECONDS
    return seconds if math.isfinite(seconds) and seconds > 0 else _TIMEOUT_SECONDS
