"""APIs that have only a document: one that notes requests, and one whose document a test changes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2

from local.messages_api.tools import tool_problems
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.ports import ToolDefinition


class DocumentApi:
    """A document under test, and the requests that its tools make."""

    def __init__(self, paths: Any, version: str = "3.1.0", **parts: Any) -> None:
        document = {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **parts}
        self.content = json.dumps(document).encode()
        self.requests: list[httpx2.Request] = []
        self.response = httpx2.Response(204)
        self.tools = OpenAPIToolset("http://api", transport=httpx2.MockTransport(self._answer))

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/openapi.json":
            return httpx2.Response(200, content=self.content)
        self.requests.append(request)
        return self.response

    async def definitions(self) -> dict[str, ToolDefinition]:
        """Return the tools by name; all of them keep the Messages API's rules."""
        await self.tools.load()
        found = self.tools.definitions(ADMIN.principal)
        assert list(tool_problems({"tools": [json.loads(definition.encoded) for definition in found]})) == []
        return {definition.name: definition for definition in found}

    async def properties(self) -> Any:
        """Return the properties of the only tool's input."""
        (definition,) = (await self.definitions()).values()
        return definition.input_schema["properties"]

    async def sent(self, name: str, **arguments: Any) -> httpx2.Request:
        """Call a tool and return the request that it made."""
        await self.tools.load()
        await self.tools.call(name, arguments, ADMIN)
        return self.requests[-1]


def operation(name: str, **parts: Any) -> dict[str, Any]:
    """Write an operation."""
    return {"operationId": name, **parts}


def body(schema: Any, media_type: str = "application/json", **parts: Any) -> dict[str, Any]:
    """Write a required request body of one media type."""
    return {"required": True, "content": {media_type: {"schema": schema}}, **parts}


def of_body(schema: Any, media_type: str = "application/json", **parts: Any) -> DocumentApi:
    """Make an API whose one operation, `create_x`, has a body."""
    return DocumentApi({"/x": {"post": operation("create_x", requestBody=body(schema, media_type))}}, **parts)


def of_query(schema: Any, **parts: Any) -> DocumentApi:
    """Make an API whose one operation, `list_x`, has a query parameter `q`."""
    parameters = [{"name": "q", "in": "query", "schema": schema}]
    return DocumentApi({"/x": {"get": operation("list_x", parameters=parameters)}}, **parts)


class Documents(httpx2.AsyncBaseTransport):
    """An API that only has a document, which a test changes; each reading may be held up."""

    def __init__(self, *documents: Any) -> None:
        self.documents = list(documents)
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002  # the interface's
        self.asked += 1
        await self.open.wait()
        document = self.documents.pop(0) if len(self.documents) > 1 else self.documents[0]
        if isinstance(document, Exception):
            raise document
        if isinstance(document, httpx2.Response):
            return document
        return httpx2.Response(200, content=document if isinstance(document, bytes) else json.dumps(document).encode())


def document(*names: str, **paths: Any) -> dict[str, Any]:
    found: dict[str, Any] = {f"/api/{name}": {"get": {"operationId": name}} for name in names}
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {**found, **paths}}


def toolset_of(*documents: Any) -> tuple[OpenAPIToolset, Documents]:
    transport = Documents(*documents)
    return OpenAPIToolset("http://imbi-api:8000", timeout=5.0, transport=transport), transport


def names_of(definitions: Sequence[ToolDefinition]) -> list[str]:
    return [definition.name for definition in definitions]
