"""FastMCP as the engine that runs the API's tools: one server for each reading of the document."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.tools.libraries import import_fastmcp

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

    The server is built when the first tool runs. Most answers of a new process call no tool of the API, and need not
    wait for the import of FastMCP.
    """

    def __init__(self, operations: Iterable[Operation], client: httpx2.AsyncClient) -> None:
        """Prepare without building the server."""
        self._client = client
        self._numbered = {f"op{number}": operation for number, operation in enumerate(operations)}
        self._ids = {operation.definition.name: identifier for identifier, operation in self._numbered.items()}
        self._names: dict[str, str] = {}
        self._server: FastMCP[None] | None = None
        self._building = asyncio.Lock()

    async def built(self) -> FastMCP[None]:
        """Return the server. Building it takes tens of milliseconds, and a second where FastMCP is not yet imported."""
        async with self._building:
            if self._server is None:
                self._server = await asyncio.to_thread(self._build)
        return self._server

    async def run(self, name: str) -> None:
        """Run a tool, which sends one request by the HTTP client; the client has the response.

        Raises:
            ToolError: FastMCP made no tool of the operation.
        """
        server = self._server or await self.built()
        tool = self._names.get(self._ids[name])
        if tool is None:
            raise ToolError("FastMCP made no tool of this operation.")
        await server.call_tool(tool, {})

    def _build(self) -> FastMCP[None]:
        import_fastmcp()
        from fastmcp import FastMCP  # noqa: PLC0415  # a second to import, and only where tools are called

        return FastMCP.from_openapi(
            _document(self._numbered), self._client, name="imbi", mcp_component_fn=self._note, validate_output=False
        )

    def _note(self, route: HTTPRoute, component: OpenAPITool | OpenAPIResource | OpenAPIResourceTemplate) -> None:
        """Remember the name that FastMCP gives to a tool."""
        self._names[str(route.operation_id)] = component.name


def _document(operations: Mapping[str, Operation]) -> JsonObject:
    """Write the OpenAPI document that FastMCP reads."""
    paths: dict[str, JsonObject] = {}
    for identifier, operation in operations.items():
        paths[f"/{identifier}"] = {operation.method: {"operationId": identifier, "responses": {}}}
    return {"openapi": "3.1.0", "info": {"title": "Imbi", "version": "1"}, "paths": {**paths}}
