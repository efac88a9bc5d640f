"""A route as a Lambda function whose answer goes out whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.http.app import create_app
from shared.settings import environment, load

if TYPE_CHECKING:
    from fastapi import APIRouter
    from mangum import Mangum
    from mangum.types import LambdaContext, LambdaEvent


class BufferedHandler:
    """The handler of one route; its application is built at the first invocation and kept as long as the process."""

    def __init__(self, router: APIRouter, *, is_bare: bool = False) -> None:
        self._router = router
        self._is_bare = is_bare
        self._mangum: Mangum | None = None

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, object]:
        """Answer one invocation."""
        if self._mangum is None:
            self._mangum = self._build()
        return self._mangum(event, context)

    def _build(self) -> Mangum:
        from mangum import Mangum  # noqa: PLC0415  # only Lambda needs it

        # One event loop outlives the invocations, and with it the connections that it carries.
        asyncio.set_event_loop(asyncio.new_event_loop())
        app = create_app(load(environment()), self._router, bare=[self._router] if self._is_bare else ())
        return Mangum(app, lifespan="off")
