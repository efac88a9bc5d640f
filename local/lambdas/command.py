"""The command `imbi-assistant lambda`: every function of `template.yaml` behind one local address."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi import FastAPI

from local.development import chat_page, completed
from local.lambdas.environment import Platform
from local.lambdas.environments import Environments
from local.lambdas.front import Front
from local.lambdas.functions import functions, unused
from shared.domain.errors import StartupError
from shared.http.server import bind, create_server, serve_until_stopped
from shared.settings import DEVELOPMENT, load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


async def serve(options: argparse.Namespace, variables: Mapping[str, str], report: Callable[[str], None]) -> int:
    """Serve the functions until SIGINT or SIGTERM, and return the exit status.

    In development, everything that the variables leave out is embedded. `report` receives lines for the terminal.

    Raises:
        SettingsError: a variable is missing or not valid.
        StartupError: the address or the data directory cannot be used.
    """
    host, port = options.host, options.port
    try:
        listening = bind(host, port)
    except OSError as error:
        raise StartupError(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port.") from error
    platform = Platform(concurrency=options.concurrency, is_snap_started=options.snap_start)
    with listening:
        async with completed(variables, options.data_dir, report) as complete:
            settings = load(complete)
            known = functions({"ENVIRONMENT": DEVELOPMENT, **complete})
            for name in unused(variables, known):
                report(f"Unused    {name}: the template gives it to no function")
            async with Environments(platform, options.environments) as environments:
                app = FastAPI(openapi_url=None)
                if settings.environment == DEVELOPMENT:
                    app.include_router(chat_page(settings))
                app.router.default = Front(known, environments, settings.route_prefix, options.payload)
                report(f"Functions {len(known)} of template.yaml; a process of each starts with its first request")
                report(f"Serving   http://{host}:{port}{settings.route_prefix or '/'}")
                await serve_until_stopped(create_server(app, end_answers=environments.stop), listening)
    return 0
