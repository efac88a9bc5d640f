"""One route as an ASGI application in a Lambda environment, for both entry points."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol, cast

from shared.aws.configuration import configure
from shared.aws.http_events import without_stage
from shared.aws.secrets import Secrets
from shared.domain.errors import AssistantError
from shared.http.app import create_app, services_of
from shared.observability import metrics
from shared.settings import environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from fastapi import APIRouter, FastAPI
    from fastapi.routing import APIRoute
    from starlette.types import Receive, Scope, Send

    from shared.aws.configuration import Configuration
    from shared.composition import Services
    from shared.settings import Settings

log = logging.getLogger(__name__)

_WARM_UP_SECONDS = 6.0
"""The limit for warming up; Lambda gives an environment ten seconds to start."""
_SHUTDOWN_SECONDS = 0.7
"""The time in which an answer must be stored and its client informed when the environment ends."""
_SECRET_BYTES = 32


class Context(Protocol):
    """The part of Lambda's context object that is used.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""
        ...


@dataclass(slots=True)
class _Built:
    """The application with the variables that it was built from, and the number of its running requests."""

    variables: dict[str, str]
    configuration: Configuration
    app: FastAPI
    requests: int = 0

    @property
    def services(self) -> Services:
        return services_of(self.app)


class LambdaApplication:
    """An ASGI application for one route. It is built from the settings, and built again when a secret has changed.

    Requests that run then keep the application of before, which is closed after the last of them.

    `is_bare` marks a route that is also served without the path of the public URL, and that needs no token.
    """

    def __init__(self, router: APIRouter, *, is_bare: bool = False, secrets: Secrets | None = None) -> None:
        """Take the route; `secrets` are those of the environment if none are given."""
        self._router = router
        self._route_name = cast("APIRoute", router.routes[0]).name
        self._is_bare = is_bare
        self._secrets = secrets
        self._built: _Built | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the lifespan of the environment."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        else:
            await self._handle_request(scope, receive, send)

    async def prepare(self) -> None:
        """Build the application, so that the next request finds it built."""
        await self._current()

    async def _handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._used() as built:
            configuration = built.configuration
            metrics.set_sinks(*configuration.metrics_sinks)
            deadline = _deadline(scope["aws.context"], configuration.settings)
            scope["state"] = {**scope.get("state", {}), "deadline": deadline}
            scope["path"] = without_stage(scope, configuration.settings.route_prefix)
            try:
                with configuration.tracer.section(self._route_name) if configuration.tracer else nullcontext():
                    await _finish_on_shutdown(built.app(scope, receive, send), built.services)
            finally:
                await configuration.flush_reports()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[_Built]:
        """Yield the application, which stays open as long as the request needs it."""
        built = await self._current()
        built.requests += 1
        try:
            yield built
        finally:
            built.requests -= 1
            if built is not self._built and not built.requests:
                await built.services.aclose()

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except AssistantError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        """Build the application, and warm it up if it uses a model."""
        built = await self._current()
        if not built.configuration.settings.has_credentials:
            return
        try:
            async with asyncio.timeout(_WARM_UP_SECONDS):
                await built.services.warm_up()
                await built.services.keep()
        except (TimeoutError, AssistantError) as error:
            # The first answer waits for the rest of the work, or reports its error.
            log.warning("the warm-up is incomplete: %s", type(error).__name__)

    async def _current(self) -> _Built:
        """Return the application; build it first if there is none yet, or if a secret has changed."""
        if self._secrets is None:
            self._secrets = Secrets(environment())
        async with self._building:
            if self._built is None or self._secrets.is_stale:
                variables = await asyncio.to_thread(self._secrets.variables)
                if self._built is None or variables != self._built.variables:
                    await self._close()
                    self._built = self._build(variables)
            return self._built

    def _build(self, variables: dict[str, str]) -> _Built:
        # A bare route checks no token, so its function needs no JWT secret. The settings require one: a random one.
        default = {"IMBI_AUTH_JWT_SECRET": token_hex(_SECRET_BYTES)} if self._is_bare else {}
        configuration = configure({**default, **variables})
        app = create_app(configuration.settings, self._router, bare=[self._router] if self._is_bare else ())
        return _Built(variables, configuration, app)

    async def _close(self) -> None:
        built, self._built = self._built, None
        if built is not None and not built.requests:
            await built.services.aclose()


async def _finish_on_shutdown(answering: Coroutine[None, None, None], services: Services) -> None:
    """Await an answer. If it is cancelled because the environment ends, end it with an error that its client sees."""
    task = asyncio.ensure_future(answering)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await services.shut_down(_SHUTDOWN_SECONDS)
        await asyncio.wait({task}, timeout=_SHUTDOWN_SECONDS)
        task.cancel()
        raise


def _deadline(context: Context, settings: Settings) -> float:
    """Return the time by which an answer must be stored and ended, in seconds since the epoch."""
    return time.time() + context.get_remaining_time_in_millis() / 1000 - settings.deadline_reserve_seconds
