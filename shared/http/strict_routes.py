"""Routes with a body: the token is checked before the body is read, and the body is strict JSON (RFC 8259)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson
from fastapi import Request
from fastapi.routing import APIRoute

from shared.http.dependencies import check_token

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pydantic import JsonValue
    from starlette.responses import Response


class StrictRequest(Request):
    """A request whose JSON may contain no NaN, no infinity and no lone surrogate."""

    async def json(self) -> JsonValue:
        """Parse the body.

        Raises:
            json.JSONDecodeError: the body is not valid JSON.
        """
        return cast("JsonValue", orjson.loads(await self.body()))


class StrictRoute(APIRoute):
    """A route that needs a token, and whose handler receives a StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """Return FastAPI's own handler, called with a StrictRequest after the token's check."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            await check_token(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly
