"""The FastAPI application: routers under the path of the public URL."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI

from shared.composition import Services
from shared.domain.version import version
from shared.http import error_responses, openapi
from shared.http.bodies import BodyLimit
from shared.http.head_requests import HeadRequests
from shared.http.options_requests import OptionsRequests, allow_origins
from shared.http.origin import OriginCheck
from shared.http.request_context import RequestContext
from shared.http.request_telemetry import request_telemetry
from shared.http.route_methods import all_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fastapi import APIRouter

    from shared.observability.otel_sdk import Telemetry
    from shared.observability.spans import Observer
    from shared.settings import Settings

log = logging.getLogger(__name__)

_QUIET_AFTER_SECONDS = 20.0
"""The time after the start in which work that can wait is not done, because users wait for their first answers."""


async def _warm_up(services: Services) -> None:
    await services.warm_up()
    await asyncio.sleep(_QUIET_AFTER_SECONDS)
    await services.keep()
    await services.sweep()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services = services_of(app)
    warming_up = asyncio.create_task(_warm_up(services))
    try:
        yield
    finally:
        warming_up.cancel()
        await asyncio.wait({warming_up})
        await services.aclose()


def create_app(
    settings: Settings,
    *routers: APIRouter,
    bare: Sequence[APIRouter] = (),
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """Build the application with the given routers.

    The routes are served under the path of `IMBI_ASSISTANT_URL`. Those of `bare` are served without this path as well.
    """
    services = Services(settings)
    if telemetry is not None:
        telemetry.observe(services.gauges())

    prefix = settings.route_prefix
    app = FastAPI(
        title="Imbi Assistant",
        version=version(),
        description="Conversations with the assistant that is embedded in Imbi.",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        # The address of such a redirect would be made of the request's own Host.
        redirect_slashes=False,
        lifespan=_lifespan,
        telemetry=request_telemetry(telemetry),
    )
    app.state.services = services
    _add_middleware(app, settings, telemetry.observer if telemetry else None, is_one_of_many=len(routers) == 1)
    error_responses.install(app)
    openapi.install(app)
    for router in routers:
        app.include_router(router, prefix=prefix)
    for router in bare if prefix else ():
        app.include_router(router, include_in_schema=False)
    return app


def _add_middleware(app: FastAPI, settings: Settings, observer: Observer | None, *, is_one_of_many: bool) -> None:
    """Add the middleware; what is added last sees a request first."""
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(HeadRequests)
    # A gateway sends the OPTIONS requests of all paths to one function.
    routes = all_routes(settings.route_prefix) if is_one_of_many else app.routes
    app.add_middleware(OptionsRequests, routes=routes)
    if settings.cors_origins:
        allow_origins(app, settings.cors_origins)
    if settings.origin_secrets:
        app.add_middleware(OriginCheck, secrets=settings.origin_secrets, prefix=settings.route_prefix)
    app.add_middleware(RequestContext, observer=observer)


def services_of(app: FastAPI) -> Services:
    """Return the services of an application that `create_app` has built."""
    return cast("Services", app.state.services)
