"""The service on one machine, and its command line."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from functions import (
    create_conversation,
    delete_conversation,
    get_conversation,
    list_conversations,
    send_message,
    status,
    stop_answer,
    update_conversation,
)
from shared.domain.errors import GraphError, SettingsError, StartupError
from shared.graph.schema import set_up
from shared.http.app import create_app, version
from shared.http.server import bind, create_server, run, serve_until_stopped
from shared.http.workers import supervise
from shared.observability import sentry
from shared.observability.logs import set_up_logging
from shared.settings import DEVELOPMENT, environment, load, route_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fastapi import FastAPI

    from shared.settings import Settings

ROOT = Path(__file__).parent
DEFAULT_USER = "developer@example.com"
_UNUSED_SECRET = "unused " * 8  # for commands that verify no token
ROUTES = (
    create_conversation,
    list_conversations,
    get_conversation,
    update_conversation,
    delete_conversation,
    send_message,
    stop_answer,
    status,
)

_DESCRIPTION = """\
The AI assistant of Imbi. Without a configuration everything that it needs is embedded: a PostgreSQL with Apache AGE, a
demo Imbi API and a demo model. Each is replaced by the real thing when its variable is set, in the environment or in a
file .env: POSTGRES_URL, IMBI_INTERNAL_API_URL, ANTHROPIC_API_KEY."""
_EXAMPLES = """\
a first conversation:
  imbi-assistant                            in one terminal
  imbi-assistant chat                       in another; or open http://127.0.0.1:8002/

with curl:
  TOKEN=$(imbi-assistant token)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8002/conversations"""


def application(settings: Settings) -> FastAPI:
    """Join every route to one application."""
    return create_app(settings, *(route.router for route in ROUTES), bare=[status.router])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    variables = environment(Path(".env"))
    try:
        return int(options.command(options, variables))
    except SettingsError as error:
        for problem in error.problems:
            _say(problem)
    except KeyboardInterrupt:
        return 130
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbi-assistant",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version())
    parser.set_defaults(command=serve, workers=1, fd=None)
    _add_address(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    for name, command, text in (
        ("serve", serve, "run the service (the default)"),
        ("chat", chat, "talk to a running service in the terminal"),
        ("token", token, "print an access token for a development user"),
        ("setup", setup, "create what the graph of POSTGRES_URL lacks; safe at any time"),
    ):
        each = commands.add_parser(
            name,
            help=text,
            description=text,
            argument_default=argparse.SUPPRESS,
            formatter_class=parser.formatter_class,
        )
        each.set_defaults(command=command)
        if command is not setup:
            _add_address(each)
        if command is serve:
            each.add_argument("--workers", type=int, metavar="N", help="processes that share the port (default: 1)")
            each.add_argument("--fd", type=int, help=argparse.SUPPRESS)
        if command in {chat, token}:
            each.add_argument("--user", metavar="EMAIL", default=DEFAULT_USER, help="whose token it is (%(default)s)")
        if command is chat:
            each.add_argument("--conversation", metavar="ID", default=None, help="go on with this conversation")
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    # A subcommand's parser has no defaults of its own: they would undo what was given before its name.
    is_main = parser.argument_default is not argparse.SUPPRESS
    for flag, kind, default, text in (
        ("--host", str, "127.0.0.1", "address of the server"),
        ("--port", int, 8002, "port of the server"),
        ("--data-dir", Path, ROOT / ".data", "where embedded things are kept"),
    ):
        value = default if is_main else argparse.SUPPRESS
        parser.add_argument(flag, type=kind, default=value, help=f"{text} (default: {default})")


def serve(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run the service until it is told to stop."""
    return run(_serve(options, variables))


async def _serve(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    set_up_logging(variables.get("LOG_LEVEL", "INFO"))
    if options.fd is not None:
        with socket.socket(fileno=options.fd) as listening:
            return await _work(load(variables), listening)
    if options.workers > 1 and _is_development(variables):
        raise SettingsError([f"--workers needs an ENVIRONMENT other than {DEVELOPMENT}: what is embedded is for one."])
    try:
        listening = bind(options.host, options.port)
    except OSError as error:
        _say(f"{options.host}:{options.port} cannot be used ({error.strerror}); choose another with --port.")
        return 1
    with listening:
        try:
            async with _whole(options, variables) as whole:
                settings = load(whole)
                await _ensure_schema(settings)
                _say(f"Serving   http://{options.host}:{options.port}{settings.route_prefix or '/'}")
                if options.workers > 1:
                    worker = [sys.executable, "-m", "local_server", "serve", "--fd"]
                    return await supervise(options.workers, listening, worker)
                return await _work(settings, listening)
        except StartupError as error:
            _say(str(error))
            return 1


async def _work(settings: Settings, listening: socket.socket) -> int:
    """Serve on a socket until a signal comes."""
    sentry.set_up_from(settings, version())
    app = application(settings)
    _add_page(app, settings)
    await serve_until_stopped(create_server(app, end_answers=app.state.services.shut_down), listening)
    return 0


@asynccontextmanager
async def _whole(options: argparse.Namespace, variables: Mapping[str, str]) -> AsyncIterator[Mapping[str, str]]:
    """Give the variables, in development with everything that was missing."""
    _say(f"imbi-assistant {version()}, {variables.get('ENVIRONMENT', DEVELOPMENT)}")
    if not _is_development(variables):
        yield variables
        return
    # Only a developer's machine has this package.
    from local.development import completed  # noqa: PLC0415

    async with completed(variables, options.data_dir, _say) as whole:
        yield whole


async def _ensure_schema(settings: Settings) -> None:
    """Create what the graph lacks; a service without the right or the reach to do so starts all the same."""
    try:
        await set_up(settings.postgres_url.get_secret_value(), settings.postgres_graph_name)
    except GraphError as error:
        _say(f"The graph could not be set up ({error}); `imbi-assistant setup` does it with other rights.")


def _add_page(app: FastAPI, settings: Settings) -> None:
    """Serve the chat page, in development only."""
    if settings.environment != DEVELOPMENT:
        return
    from local.page import page_router  # noqa: PLC0415  # only a developer's machine has this package
    from local.seed import USERS  # noqa: PLC0415
    from local.tokens import issue_token  # noqa: PLC0415

    secret = settings.jwt_secret.get_secret_value()
    emails = sorted((user.email for user in USERS), key=lambda email: email != DEFAULT_USER)
    app.include_router(page_router(lambda email: issue_token(secret, email), emails, settings.route_prefix))


def token(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Print an access token."""
    sys.stdout.write(_token(options, variables) + "\n")
    return 0


def chat(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Talk to a running service."""
    from local.chat import chat as talk  # noqa: PLC0415  # only a developer's machine has this package

    prefix = route_prefix(variables.get("IMBI_ASSISTANT_URL"))
    return talk(
        base_url=f"http://{options.host}:{options.port}{prefix}",
        token=_token(options, variables),
        conversation_id=options.conversation,
        history_file=options.data_dir / "chat_history",
    )


def setup(_options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Create what the graph of POSTGRES_URL lacks."""
    dsn = variables.get("POSTGRES_URL")
    if dsn is None:
        raise SettingsError(["POSTGRES_URL is not set."])
    graph_name = load({"IMBI_AUTH_JWT_SECRET": _UNUSED_SECRET, **variables}).postgres_graph_name
    try:
        asyncio.run(set_up(dsn, graph_name, lambda made: _say(f"created {made}")))
    except GraphError as error:
        _say(f"The graph could not be set up: {error}")
        return 1
    _say(f"The graph {graph_name} has all that it needs.")
    return 0


def _token(options: argparse.Namespace, variables: Mapping[str, str]) -> str:
    if not _is_development(variables):
        raise SettingsError([f"ENVIRONMENT is not {DEVELOPMENT}: tokens come from Imbi."])
    from local.tokens import issue_token, kept_secret  # noqa: PLC0415  # only a developer's machine has this package

    secret = variables.get("IMBI_AUTH_JWT_SECRET") or kept_secret(options.data_dir)
    return issue_token(secret, options.user)


def _is_development(variables: Mapping[str, str]) -> bool:
    return variables.get("ENVIRONMENT", DEVELOPMENT) == DEVELOPMENT


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
