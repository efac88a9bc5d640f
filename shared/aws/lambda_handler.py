"""The handler of a Lambda function that serves one route; its response is buffered by Lambda's own runtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from shared.aws.application import LambdaApplication
from shared.aws.buffered import adapter
from shared.aws.http_events import WARM, is_warm_up
from shared.observability import logs
from shared.settings import invocation_trace

if TYPE_CHECKING:
    from fastapi import APIRouter
    from mangum import Mangum
    from mangum.types import LambdaContext


class LambdaHandler:
    """The handler of one route. Its application is built at the first invocation and reused by later ones.

    `is_bare` marks a route that is also served without the path of the public URL, and that needs no token.
    """

    def __init__(self, router: APIRouter, *, is_bare: bool = False) -> None:
        self._router = router
        self._is_bare = is_bare
        self._application: LambdaApplication | None = None
        self._mangum: Mangum | None = None

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one invocation: an event of a Function URL or an API Gateway, or one that keeps the function warm.

        Raises:
            NotARequest: the event is none of these.
        """
        logs.bind_invocation(invocation_trace())
        if self._application is None or self._mangum is None:
            # All invocations share one event loop, because open connections belong to the loop that opened them.
            asyncio.set_event_loop(asyncio.new_event_loop())
            self._application = self.application()
            self._mangum = adapter(self._application)
        if is_warm_up(event):
            asyncio.get_event_loop().run_until_complete(self._application.prepare())
            return WARM
        return self._mangum(event, context)

    def application(self) -> LambdaApplication:
        """Return the route as an ASGI application."""
        return LambdaApplication(self._router, is_bare=self._is_bare)
