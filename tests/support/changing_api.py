"""An Imbi API with many operations that a test adds, removes and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

OPERATIONS = 40
"""So many that most tools are deferred."""


class ChangingApi:
    """The application; `operations` maps the names of its operations to their descriptions."""

    def __init__(self) -> None:
        self.operations = {f"list_kind{number}s": f"List the kind{number}s." for number in range(OPERATIONS)}
        self.app = Starlette(
            routes=[
                Route("/openapi.json", self._document),
                Route("/api/{name}", self._operation),
            ]
        )

    async def _document(self, _request: Request) -> JSONResponse:
        paths: dict[str, Any] = {
            f"/api/{name}": {
                "get": {
                    "operationId": name,
                    "summary": text,
                    "x-imbi-permission": ["project:read"],
                    "responses": {"200": {"description": "The result."}},
                }
            }
            for name, text in self.operations.items()
        }
        return JSONResponse({"openapi": "3.1.0", "info": {"title": "Imbi", "version": "1"}, "paths": paths})

    async def _operation(self, request: Request) -> JSONResponse:
        name = request.path_params["name"]
        return JSONResponse({"kind": name, "items": [f"{name} {number}" for number in range(40)]})
