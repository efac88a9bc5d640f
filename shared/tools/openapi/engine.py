"""FastMCP as the engine that makes requests of calls: one server for each reading of the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.libraries import import_tool_libraries
from shared.tools.openapi.operation import BODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx2
    from fastmcp import FastMCP
    from fastmcp.server.providers.openapi import OpenAPIResource, OpenAPIResourceTemplate, OpenAPITool
    from fastmcp.utilities.openapi import HTTPRoute
    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.arguments import Placed
    from shared.tools.openapi.operation import Argument, Operation


class Engine:
    """Tools of a FastMCP server, known by the operations that they were made from.

    The document that FastMCP reads is written anew from the operations: only what a request needs, so that nothing in
    the API's own document can make it fail, and ten times quicker to read.
    """

    def __init__(self, operations: Iterable[Operation], client: httpx2.AsyncClient) -> None:
        """Build the server; takes some tens of milliseconds of CPU, and seconds where FastMCP is not yet imported."""
        import_tool_libraries()
        from fastmcp import FastMCP  # noqa: PLC0415  # seconds to import, and only where tools are called

        self._names: dict[str, str] = {}
        self._arguments: dict[str, dict[tuple[str, str], str]] = {}
        numbered = {f"op{number}": operation for number, operation in enumerate(operations)}
        self._ids = {operation.definition.name: identifier for identifier, operation in numbered.items()}
        self._server: FastMCP[None] = FastMCP.from_openapi(
            _document(numbered), client, name="imbi", mcp_component_fn=self._note, validate_output=False
        )

    def has(self, name: str) -> bool:
        """Say whether FastMCP made a tool of the operation of this name."""
        return self._ids.get(name) in self._names

    async def run(self, name: str, values: Placed) -> None:
        """Make the request of a call; what comes back is the HTTP client's business."""
        identifier = self._ids[name]
        arguments = self._arguments[identifier]
        await self._server.call_tool(
            self._names[identifier], {arguments[place]: value for place, value in values.items()}
        )

    def _note(self, route: HTTPRoute, component: OpenAPITool | OpenAPIResource | OpenAPIResourceTemplate) -> None:
        """Note what FastMCP calls a tool and its arguments."""
        identifier = str(route.operation_id)
        self._names[identifier] = component.name
        self._arguments[identifier] = {
            (place["location"], BODY if place["location"] == BODY else place["openapi_name"]): argument
            for argument, place in route.parameter_map.items()
        }


def _document(operations: Mapping[str, Operation]) -> JsonObject:
    """Write the OpenAPI document that FastMCP reads."""
    paths: dict[str, JsonObject] = {}
    for identifier, operation in operations.items():
        parameters = [_parameter(argument) for argument in operation.arguments.values() if argument.location != BODY]
        written: JsonObject = {"operationId": identifier, "parameters": parameters, "responses": {}}
        if operation.body:
            schema: JsonObject = {"schema": {"title": BODY}}
            written["requestBody"] = {"content": {operation.body.media_type: schema}}
        paths.setdefault(operation.path, {})[operation.method] = written
    return {"openapi": "3.1.0", "info": {"title": "Imbi", "version": "1"}, "paths": {**paths}}


def _parameter(argument: Argument) -> JsonValue:
    written: JsonObject = {"name": argument.wire_name, "in": argument.location, "schema": {}}
    if argument.location == "path":
        written["required"] = True
    if argument.style:
        written["style"] = argument.style
    if argument.explode is not None:
        written["explode"] = argument.explode
    return written
