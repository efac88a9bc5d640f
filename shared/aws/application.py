"""One route as an ASGI application of a Lambda environment, whichever entry point runs it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import nullcontext
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol, cast

from shared.aws.secrets import Secrets
from shared.domain.errors import AssistantError
from shared.http.app import create_app, version
from shared.observability import logs, metrics
from shared.observability.sentry import set_up_if_configured
from shared.settings import environment, load

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from fastapi import APIRouter, FastAPI
    from fastapi.routing import APIRoute
    from starlette.types import Receive, Scope, Send

    from shared.composition import Services
    from shared.observability.metrics import Sink, Tracer
    from shared.settings import Settings

log = logging.getLogger(__name__)

_SERVICE = "imbi-assistant"
_WARM_UP_SECONDS = 6.0
"""What warming up may take of the ten seconds that Lambda gives an environment to start."""
_LAST_WORDS_SECONDS = 0.7
"""What an answer has left to be stored, and its reader to be told, when the environment ends."""
_KEY_BYTES = 32


class Context(Protocol):
    """What is used of Lambda's context."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Give the time until the platform ends the invocation."""
        ...


class LambdaApplication:
    """Builds the route's application from settings with secrets read, and again when a secret has changed."""

    def __init__(self, router: APIRouter, *, is_bare: bool = False) -> None:
        self._router = router
        self._name = cast("APIRoute", router.routes[0]).name
        self._is_bare = is_bare
        self._secrets: Secrets | None = None
        self._variables: dict[str, str] = {}
        self._app: FastAPI | None = None
        self._settings: Settings | None = None
        self._sinks: Sequence[Sink] = ()
        self._tracer: Tracer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or go through the environment's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        app, settings = await self._current()
        context: Context = scope["aws.context"]
        metrics.send_to(*self._sinks)
        scope["state"] = {**scope.get("state", {}), "deadline": _deadline(context, settings)}
        try:
            with self._tracer.section(self._name) if self._tracer else nullcontext():
                await _to_its_end(app(scope, receive, send), _services(app))
        finally:
            if settings.sentry_dsn is not None:
                await asyncio.to_thread(_flush_reports)

    async def _live(self, receive: Receive, send: Send) -> None:
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
        """Build the application, and warm it up where it has a model to ask."""
        app, settings = await self._current()
        if settings.anthropic_api_key is None:
            return
        try:
            async with asyncio.timeout(_WARM_UP_SECONDS):
                await _services(app).warm_up()
                await _services(app).keep()
        except (TimeoutError, AssistantError) as error:
            # The first answer waits for the rest, or says what is wrong.
            log.warning("not all is warm: %s", type(error).__name__)

    async def _current(self) -> tuple[FastAPI, Settings]:
        if self._secrets is None:
            self._secrets = Secrets(environment())
        if self._app is None or self._settings is None or self._secrets.is_due:
            variables = await asyncio.to_thread(self._secrets.variables)
            if variables != self._variables or self._app is None or self._settings is None:
                await self._close()
                self._settings = self._set_up(variables)
                self._app = create_app(self._settings, self._router, bare=[self._router] if self._is_bare else ())
                self._variables = variables
        return self._app, self._settings

    def _set_up(self, variables: dict[str, str]) -> Settings:
        if self._is_bare:
            # It asks for no token: its function needs no secret to check one with, and has one that nobody knows.
            variables = {"IMBI_AUTH_JWT_SECRET": token_hex(_KEY_BYTES), **variables}
        settings = load(variables)
        logs.set_up_json_logging(settings.log_level, _SERVICE)
        set_up_if_configured(settings, version())
        if settings.anthropic_api_key is not None:
            from shared.aws.cloudwatch import CloudWatchMetrics  # noqa: PLC0415  # only answers are measured

            self._sinks = [CloudWatchMetrics(_SERVICE, settings.environment)]
        if settings.is_traced:
            from shared.aws.xray import XRay  # noqa: PLC0415  # slow to import, and off by default

            self._tracer = XRay(_SERVICE)
        return settings

    async def _close(self) -> None:
        if self._app is not None:
            app, self._app = self._app, None
            await _services(app).aclose()


async def _to_its_end(answering: Coroutine[None, None, None], services: Services) -> None:
    """Answer; where the environment ends meanwhile, end the answer with an error that its reader sees."""
    task = asyncio.ensure_future(answering)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await services.shut_down(_LAST_WORDS_SECONDS)
        await asyncio.wait({task}, timeout=_LAST_WORDS_SECONDS)
        task.cancel()
        raise


def _deadline(context: Context, settings: Settings) -> float:
    """Say when an answer must be stored and ended, in seconds since the epoch."""
    return time.time() + context.get_remaining_time_in_millis() / 1000 - settings.deadline_reserve_seconds


def _services(app: FastAPI) -> Services:
    return cast("Services", app.state.services)


def _flush_reports() -> None:
    from shared.observability.sentry import flush_reports  # noqa: PLC0415  # imported only where reports are wanted

    flush_reports()
