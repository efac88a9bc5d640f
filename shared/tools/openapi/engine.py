"""FastMCP as the engine that runs the API's tools: one server for each reading of the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.libraries import import_tool_libraries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx2
    from fastmcp import FastMCP
    from fastmcp.server.providers.openapi import OpenAPIResource, OpenAPIResourceTemplate, OpenAPITool
    from fastmcp.utilities.openapi import HTTPRoute

    from shared.domain.models import JsonObject
    from shared.tools.openapi.operation import Operation


class Engine:
    """The tools of a FastMCP server, by the names of the operations that they were made from.

    FastMCP reads a document of our own, with a method and a plain path for each operation. Nothing in the API's
    document can make it fail, and it reads ours some ten times faster. The values of a call are not in it: the HTTP
    client replaces FastMCP's request by the one that `build_request` has written.
    """

    def __init__(self, operations: Iterable[Operation], client: httpx2.AsyncClient) -> None:
        """Build the server. It takes tens of milliseconds, and seconds where FastMCP is not yet imported."""
        import_tool_libraries()
        from fastmcp import FastMCP  # noqa: PLC0415  # seconds to import, and only where tools are called

        self._names: dict[str, str] = {}
        numbered = {f"op{number}": operation for number, operation in enumerate(operations)}
        self._ids = {operation.definition.name: identifier for identifier, operation in numbered.items()}
        self._server: FastMCP[None] = FastMCP.from_openapi(
            _document(numbered), client, name="imbi", mcp_component_fn=self._note, validate_output=False
        )

    def has(self, name: str) -> bool:
        """Return whether FastMCP made a tool of the operation of this name."""
        return self._ids.get(name) in self._names

    async def run(self, name: str) -> None:
        """Run a tool, which sends one request by the HTTP client; the client has the response."""
        await self._server.call_tool(self._names[self._ids[name]], {})

    def _note(self, route: HTTPRoute, component: OpenAPITool | OpenAPIResource | OpenAPIResourceTemplate) -> None:
        """Remember the name that FastMCP gives to a tool."""
        self._names[str(route.operation_id)] = component.name


def _document(operations: Mapping[str, Operation]) -> JsonObject:
    """Write the OpenAPI document that FastMCP reads."""
    paths: dict[str, JsonObject] = {}
    for identifier, operation in operations.items():
        paths[f"/{identifier}"] = {operation.method: {"operationId": identifier, "responses": {}}}
    return {"openapi": "3.1.0", "info": {"title": "Imbi", "version": "1"}, "paths": {**paths}}
