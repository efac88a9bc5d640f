"""A route as a Lambda function, whose answer goes out whole under Lambda's own runtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.aws.application import LambdaApplication

if TYPE_CHECKING:
    from fastapi import APIRouter
    from mangum import Mangum
    from mangum.types import LambdaContext, LambdaEvent


class LambdaHandler:
    """The handler of one route; what it needs is made at the first invocation and kept as long as the process.

    `is_bare` is for a route that is served without the public URL's path as well, and asks for no token.
    """

    def __init__(self, router: APIRouter, *, is_bare: bool = False) -> None:
        self._router = router
        self._is_bare = is_bare
        self._mangum: Mangum | None = None

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, object]:
        """Answer one invocation."""
        if self._mangum is None:
            self._mangum = self._build()
        return self._mangum(event, context)

    def application(self) -> LambdaApplication:
        """Give the route as an ASGI application."""
        return LambdaApplication(self._router, is_bare=self._is_bare)

    def _build(self) -> Mangum:
        from mangum import Mangum  # noqa: PLC0415  # only Lambda needs it

        # One event loop outlives the invocations, and with it the connections that it carries.
        asyncio.set_event_loop(asyncio.new_event_loop())
        # The lifespan would be run, start and stop, at every invocation.
        return Mangum(self.application(), lifespan="off")
