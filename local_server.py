"""The service on one machine: all routes joined to one application, served on one port.

`python local_server.py` runs the command line of `cli.py`.
"""

from __future__ import annotations

import logging
import runpy
import socket
import sys
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from functions import (
    create_conversation,
    decide_approval,
    delete_conversation,
    delete_feedback,
    erase_user,
    export_conversation,
    get_conversation,
    list_conversations,
    livez,
    metrics,
    put_feedback,
    read_audit,
    read_feedback,
    read_usage,
    send_message,
    status,
    stop_answer,
    stream_answer,
    update_conversation,
)
from shared.checks.unknown_variables import unknown_variables
from shared.domain.errors import GraphError, GraphMissing, GraphRefused, StartupError
from shared.domain.version import version
from shared.graph.schema import missing_tables, set_up
from shared.http.app import create_app
from shared.http.served_metrics import metrics_of_workers, metrics_socket, own_metrics
from shared.http.server import bind, create_server, serve_until_stopped
from shared.http.service_metrics import service_metrics
from shared.http.workers import supervise
from shared.observability.sentry import set_up_if_configured
from shared.observability.telemetry import start_telemetry
from shared.settings import DEVELOPMENT, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from shared.observability.otel_sdk import Telemetry
    from shared.settings import Settings

log = logging.getLogger("local_server")

NEW_GRAPH = "Check the name, or make a new graph with `imbi-assistant setup --create`."
_SET_UP = "Run `imbi-assistant setup` with a role that has the rights."

ROUTES = (
    create_conversation,
    list_conversations,
    get_conversation,
    export_conversation,
    update_conversation,
    delete_conversation,
    send_message,
    decide_approval,
    stop_answer,
    stream_answer,
    put_feedback,
    delete_feedback,
    read_feedback,
    read_audit,
    read_usage,
    erase_user,
    status,
    livez,
)
"""The routes that are always served."""


def application(settings: Settings, telemetry: Telemetry | None = None, *, metrics_port: int | None = None) -> FastAPI:
    """Join all routes to one application.

    `metrics_port` is where the parent process of a worker serves the metrics of all workers.
    """
    respond = service_metrics(settings, telemetry, metrics_port)
    optional = [] if respond is None else [metrics.router]
    routers = [*(route.router for route in ROUTES), *optional]
    app = create_app(settings, *routers, bare=[status.router, livez.router, *optional], telemetry=telemetry)
    app.state.metrics = respond
    return app


async def serve(
    variables: Mapping[str, str],
    address: tuple[str, int],
    *,
    workers: int,
    data_dir: Path,
    report: Callable[[str], None],
) -> int:
    """Serve on an address, a host and a port, until SIGINT or SIGTERM; return the exit status.

    In development, everything that the variables leave out is embedded. `report` receives lines for the terminal.

    Raises:
        SettingsError: a variable is missing or not valid.
        StartupError: the service cannot start.
    """
    host, port = address
    try:
        listening = bind(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        advice = "Choose another address with --host and --port."
        raise StartupError(f"Cannot listen on {host}:{port}: {reason}. {advice}") from error
    with listening:
        async with _completed(variables, data_dir, report) as complete:
            settings = load(complete)
            _warn(variables, settings)
            await _set_up_graph(settings, report)
            with metrics_socket(settings, workers) as measured:
                report(f"Serving   http://{host}:{port}{settings.route_prefix or '/'}")
                if workers > 1:
                    async with metrics_of_workers(measured, workers) as own:
                        return await supervise(workers, listening, _worker_command(measured), own=own)
                return await _serve_on(complete, settings, listening, measured)


def _worker_command(measured: socket.socket | None) -> list[str]:
    port = [] if measured is None else ["--metrics-port", str(measured.getsockname()[1])]
    return [sys.executable, __file__, "serve", *port, "--fd"]


async def serve_inherited(variables: Mapping[str, str], *file_descriptors: int, metrics_port: int | None = None) -> int:
    """Serve, as one of several workers, on the sockets that the parent process opened: for requests, and for metrics.

    `metrics_port` is where the parent process serves the metrics of all workers.

    Raises:
        SettingsError: a variable is missing or not valid.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(fileno=each)) for each in file_descriptors]
        listening, measured = sockets[0], next(iter(sockets[1:]), None)
        return await _serve_on(variables, load(variables), listening, measured, metrics_port)


async def _serve_on(
    variables: Mapping[str, str],
    settings: Settings,
    listening: socket.socket,
    measured: socket.socket | None,
    metrics_port: int | None = None,
) -> int:
    """Serve requests, and the metrics of this process on the socket `measured`."""
    set_up_if_configured(settings, version())
    telemetry = start_telemetry(settings, variables)
    app = application(settings, telemetry, metrics_port=metrics_port)
    if settings.environment == DEVELOPMENT:
        from local.development import chat_page  # noqa: PLC0415  # `local` is not deployed

        app.include_router(chat_page(settings))
    async with own_metrics(measured, telemetry):
        await serve_until_stopped(create_server(app, end_answers=app.state.services.shut_down), listening)
    if telemetry is not None:
        await telemetry.aclose()
    return 0


@asynccontextmanager
async def _completed(
    variables: Mapping[str, str], data_dir: Path, report: Callable[[str], None]
) -> AsyncIterator[Mapping[str, str]]:
    """Yield the variables; in development, with embedded replacements for the missing ones."""
    environment = variables.get("ENVIRONMENT", DEVELOPMENT)
    report(f"imbi-assistant {version()}, {environment}")
    if environment != DEVELOPMENT:
        yield variables
        return
    from local.development import completed  # noqa: PLC0415  # `local` is not deployed

    async with completed(variables, data_dir, report) as complete:
        yield complete


def _warn(variables: Mapping[str, str], settings: Settings) -> None:
    """Log what is probably a mistake, although the service can start."""
    for line in unknown_variables(variables):
        log.warning("%s", line)
    if settings.environment != DEVELOPMENT and not settings.is_enabled:
        reason = "IMBI_ASSISTANT_ENABLED is false" if settings.forced is False else "ANTHROPIC_API_KEY is not set"
        log.warning("The assistant is switched off, because %s. It answers no questions.", reason)


async def _set_up_graph(settings: Settings, report: Callable[[str], None]) -> None:
    """Create the missing parts of the graph. A failure is only reported, unless the service could never work.

    Raises:
        StartupError: the database refuses the connection, or the graph or a table is missing.
    """
    dsn, graph_name = settings.postgres_url.get_secret_value(), settings.postgres_graph_name
    try:
        await set_up(dsn, graph_name, creates_graph=False)
    except GraphMissing as error:
        raise StartupError(f"POSTGRES_GRAPH_NAME: {error}. {NEW_GRAPH}") from error
    except GraphRefused as error:
        raise StartupError(f"POSTGRES_URL: the service cannot connect to the database: {error}.") from error
    except GraphError as error:
        if tables := await missing_tables(dsn, graph_name):
            raise StartupError(
                f"The graph could not be set up: {error}. It lacks: {', '.join(tables)}. {_SET_UP}"
            ) from error
        report(f"The graph could not be set up: {error}.")
        report("The service starts anyway. If the graph is incomplete, run `imbi-assistant setup`.")


if __name__ == "__main__":
    # An import of `cli`, which imports this module, would be a circle.
    runpy.run_module("cli", run_name="__main__")
