"""The handler of a Lambda function that serves one route; its response is buffered by Lambda's own runtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.aws.application import LambdaApplication

if TYPE_CHECKING:
    from fastapi import APIRouter
    from mangum import Mangum
    from mangum.types import LambdaContext, LambdaEvent


class LambdaHandler:
    """The handler of one route. Its application is built at the first invocation and reused by later ones.

    `is_bare` marks a route that is also served without the path of the public URL, and that needs no token.
    """

    def __init__(self, router: APIRouter, *, is_bare: bool = False) -> None:
        self._router = router
        self._is_bare = is_bare
        self._mangum: Mangum | None = None

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, object]:
        """Handle one invocation: an event of a Function URL or an API Gateway."""
        if self._mangum is None:
            self._mangum = self._build()
        return self._mangum(event, context)

    def application(self) -> LambdaApplication:
        """Return the route as an ASGI application."""
        return LambdaApplication(self._router, is_bare=self._is_bare)

    def _build(self) -> Mangum:
        from mangum import Mangum  # noqa: PLC0415  # only Lambda needs it

        # All invocations share one event loop, because open connections belong to the loop that opened them.
        asyncio.set_event_loop(asyncio.new_event_loop())
        # Mangum would run the whole lifespan, start-up and shutdown, at every invocation.
        return Mangum(self.application(), lifespan="off")
