"""The application: routers joined under the public URL's path."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from fastapi import FastAPI

from shared import garbage, times
from shared.http import problems
from shared.http.bodies import BodyLimit
from shared.http.correlation import Correlated
from shared.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from fastapi import APIRouter

    from shared.settings import Settings

log = logging.getLogger(__name__)

_NAME = "imbi-assistant"
_FIRST_RUSH_SECONDS = 20.0
"""How long after a start nothing is done that can wait."""


class RuntimeSource:
    """Opens the runtime when it is first asked for, once, and closes it at the end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started_at: datetime = times.now()
        self._opening: asyncio.Task[Runtime] | None = None

    async def get(self) -> Runtime:
        """Give the runtime."""
        if self._opening is None:
            self._opening = asyncio.create_task(Runtime.open(self.settings))
        return await asyncio.shield(self._opening)

    async def warm_up(self) -> None:
        """Prepare for the first answer, so that its asker does not wait for it."""
        garbage.collect_seldom()
        runtime = await self.get()
        if self.settings.is_enabled:
            await (await runtime.assistant()).warm_up()
            garbage.keep_what_is_there()

    async def keep(self) -> None:
        """Keep what was fetched while warming up for the next start; to be done when nobody waits."""
        if self.settings.is_enabled:
            await (await (await self.get()).assistant()).keep()

    async def shut_down(self, seconds: float) -> None:
        """End every answer with an error and wait until all are stored, or the time is over."""
        if self._opening is not None and self._opening.done():
            await self._opening.result().shut_down(seconds)

    async def aclose(self) -> None:
        """Close the runtime, if it was opened."""
        if self._opening is not None:
            await (await self._opening).aclose()


async def _warm_up_and_keep(source: RuntimeSource) -> None:
    await source.warm_up()
    await asyncio.sleep(_FIRST_RUSH_SECONDS)
    await source.keep()


def create_app(settings: Settings, *routers: APIRouter, bare: Sequence[APIRouter] = ()) -> FastAPI:
    """Join routers under the prefix of the settings; those of `bare` are served without it as well."""
    source = RuntimeSource(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        warming_up = asyncio.create_task(_warm_up_and_keep(source))
        try:
            yield
        finally:
            warming_up.cancel()
            await asyncio.wait({warming_up})
            await source.aclose()

    prefix = settings.route_prefix
    app = FastAPI(
        title="Imbi Assistant",
        version=version(),
        description="Conversations with the assistant that is embedded in Imbi.",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.runtime = source
    app.add_middleware(BodyLimit, most_bytes=settings.max_body_bytes)
    app.add_middleware(Correlated)
    problems.install(app)
    for router in routers:
        app.include_router(router, prefix=prefix)
    for router in bare if prefix else ():
        app.include_router(router, include_in_schema=False)
    return app


def version() -> str:
    """Give the installed version of this project."""
    try:
        return metadata.version(_NAME)
    except metadata.PackageNotFoundError:
        return "0"
