"""A process that loads both kinds of tools for the first time: `python -m tests.support.first_load API_URL MCP_URL`.

It prints the names of its tools as JSON. Nothing has imported fastmcp or mcp before: both toolsets do at the same time,
each in a thread, as in the first answer of a service that has just started.
"""

from __future__ import annotations

import asyncio
import json
import sys

from shared.domain.models import MCPServer
from shared.tools.mcp.credentials import SecretDecryptor
from shared.tools.mcp.egress import AddressPolicy, Network
from shared.tools.mcp.toolset import Connector, ExternalToolset
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN

SECONDS = 25
"""Less than the 30 seconds that a toolset rests after a failure."""


async def main(api_url: str, mcp_url: str) -> list[str]:
    """Load the tools once."""
    early = sorted({"fastmcp", "mcp"} & sys.modules.keys())
    if early:
        raise RuntimeError(f"{early} are imported before anything needs them")
    api = OpenAPIToolset(api_url)
    server = MCPServer(slug="calc", name="Calc", url=mcp_url, tool_prefix="calc")

    async def servers() -> tuple[MCPServer, ...]:
        return (server,)

    connector = Connector(Network(AddressPolicy(allows_private=True)), SecretDecryptor())
    external = ExternalToolset(servers, connector, connect_timeout_seconds=SECONDS)
    await asyncio.gather(build(api), external.ensure_loaded())
    ends_at = asyncio.get_running_loop().time() + SECONDS
    while not (api.definitions(ADMIN.principal) and external.definitions(ADMIN.principal)):
        if asyncio.get_running_loop().time() > ends_at:
            break
        await asyncio.sleep(0.1)
    definitions = [*api.definitions(ADMIN.principal), *external.definitions(ADMIN.principal)]
    await external.aclose()
    await api.aclose()
    return sorted(definition.name for definition in definitions)


async def build(api: OpenAPIToolset) -> None:
    """Load the API's tools and build what runs them, which imports FastMCP while mcp is imported for the server."""
    await api.ensure_loaded()
    await api.build_engine()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))  # noqa: T201  # the test reads it
