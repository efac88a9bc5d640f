"""The command line: `imbi-assistant` runs the service, chats with it, prints tokens, sets up and checks."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import local_server
from shared.domain.errors import GraphError, GraphMissing, SettingsError, StartupError
from shared.domain.version import version
from shared.graph.schema import set_up
from shared.graph.search_backfill import make_findable
from shared.http.server import run
from shared.observability.logs import set_up_logging
from shared.settings import DEVELOPMENT, environment, load, route_prefix
from shared.util.command_options import TOKEN_VARIABLE, add_address, add_options
from shared.util.secret_lists import separated_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.chat.access import Access
    from shared.settings import Settings

log = logging.getLogger("cli")

_UNUSED_SECRET = "unused " * 8  # `setup` verifies no tokens, but the settings require a secret
_ONE_PROCESS = "--workers needs ENVIRONMENT=production: in development, embedded services support one process only."
_NO_TOKENS = (
    f"ENVIRONMENT is not {DEVELOPMENT}: `chat`, `eval` and `token` issue access tokens in development only. "
    "`chat` and `eval` work with any service: --url URL --token TOKEN."
)
_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130

_DESCRIPTION = """\
The AI assistant of Imbi.

Without any configuration, the service runs on embedded parts: a PostgreSQL database with Apache AGE, a demo Imbi API
and a demo model. To replace one of them with a real one, set its variable in the environment or in a file named .env:

  POSTGRES_URL            a PostgreSQL database with Apache AGE
  IMBI_INTERNAL_API_URL   an Imbi API
  ANTHROPIC_API_KEY       Claude"""
_EXAMPLES = """\
a first conversation:
  imbi-assistant                            in one terminal
  imbi-assistant chat                       in another terminal, or open http://127.0.0.1:8002/ in a browser

with curl:
  TOKEN=$(imbi-assistant token)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8002/conversations"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 for wrong usage or settings, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        variables = environment(Path(".env"))
        return int(options.command(options, variables))
    except SettingsError as error:
        for problem in error.problems:
            _report(problem)
        return _EXIT_USAGE
    except StartupError as error:
        _report(str(error))
        return 1
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "local":
            raise
        _report("This installation has no development parts. Set ENVIRONMENT=production, or run it from a checkout.")
        return _EXIT_USAGE
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED


def serve(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run the service until it is stopped."""
    is_json = set_up_logging(variables.get("LOG_LEVEL", "INFO"), variables.get("LOG_FORMAT"))
    if options.fd is not None:
        return run(local_server.serve_inherited(variables, *options.fd, metrics_port=options.metrics_port))
    if options.workers > 1 and _is_development(variables):
        raise SettingsError([_ONE_PROCESS])
    return run(
        local_server.serve(
            variables,
            (options.host, options.port),
            workers=options.workers,
            data_dir=options.data_dir,
            report=partial(log.info, "%s") if is_json else _report,
        )
    )


def chat(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Chat with a running service."""
    import local.chat as terminal  # noqa: PLC0415  # `local` is not deployed

    history = options.data_dir / "chat_history"
    access = _access(options, variables)
    return terminal.chat(access, conversation_id=options.conversation, history_file=history)


def serve_functions(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run the Lambda functions of `template.yaml` on this machine until they are stopped."""
    from local.lambdas import command  # noqa: PLC0415  # `local` is not deployed

    set_up_logging(variables.get("LOG_LEVEL", "INFO"), variables.get("LOG_FORMAT"))
    return run(command.serve(options, variables, _report))


def evaluate(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Ask the questions of a file of cases and judge the answers, or make a case of an answer."""
    import local.eval as evaluation  # noqa: PLC0415  # `local` is not deployed

    match options.words:
        case ["add", message_id]:
            reads_database = "POSTGRES_URL" in variables and options.url is None
            source = _stored_data(variables) if reads_database else _access(options, variables)
            return evaluation.add_case(source, message_id, options.to)
        case [cases]:
            run = evaluation.RunOptions(options.jobs, options.timeout, options.keep)
            models = (options.model, options.against) if options.against else (options.model,)
            chosen = evaluation.EvaluationOptions(
                cases=cases, models=models, only=options.only, run=run, is_json=options.json
            )
            return evaluation.evaluate(_access(options, variables), chosen)
    raise SettingsError(["eval: name one file of cases, `demo`, or `add` and the id of an answer."])


def token(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Print an access token."""
    sys.stdout.write(_token(options, variables) + "\n")
    return 0


def setup(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Create the missing parts of the graph in the database at POSTGRES_URL, and let the search find what is stored."""
    settings = _stored_data(variables)
    dsn, graph_name = settings.postgres_url.get_secret_value(), settings.postgres_graph_name
    try:
        asyncio.run(set_up(dsn, graph_name, lambda made: _report(f"created {made}"), creates_graph=options.create))
        if found := asyncio.run(make_findable(dsn, graph_name, _report)):
            _report(f"The search finds {found:,} more conversations.")
    except GraphMissing as error:
        raise StartupError(f"POSTGRES_GRAPH_NAME: {error}. {local_server.NEW_GRAPH}") from error
    except GraphError as error:
        _report(f"The graph could not be set up: {error}")
        return 1
    _report(f"The graph {graph_name} is complete.")
    return 0


def check(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Print whether the installation is configured right; return 1 if a check failed."""
    from shared.checks import configuration, report  # noqa: PLC0415  # only this command needs these slow imports
    from shared.checks.run import CHECKS, WITH_MODEL, run_checks  # noqa: PLC0415  # the same

    installation = configuration.read_installation(variables)
    # The findings say everything. The log of the checked parts would repeat it, partly with stack traces.
    logging.disable(logging.CRITICAL)
    chosen = WITH_MODEL if options.model else CHECKS
    findings = report.presentable(asyncio.run(run_checks(installation, chosen)), installation.settings)
    sys.stdout.write(report.as_json(findings) if options.json else report.table(findings))
    return 1 if report.has_failed(findings) else 0


def audit(options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Verify or prune the audit; return 1 if a chain of it is not whole."""
    from shared.checks import audit as chains  # noqa: PLC0415  # only this command needs it

    settings = _stored_data(variables)
    if options.action == "prune":
        asyncio.run(chains.prune(settings, _report))
        return 0
    return 0 if asyncio.run(chains.verify(settings, options.day, _print)) else 1


def rotate(_options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Encrypt the secrets of MCP servers with the newest key; return 1 if some secret still needs another key."""
    from shared.checks import rotation  # noqa: PLC0415  # only this command needs it

    return 0 if asyncio.run(rotation.rotate(_stored_data(variables), _print)) else 1


def sweep(_options: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Delete the conversations that have been idle for too long."""
    from shared.checks import sweeping  # noqa: PLC0415  # only this command needs it

    asyncio.run(sweeping.sweep(_stored_data(variables), _print))
    return 0


def _stored_data(variables: Mapping[str, str]) -> Settings:
    """Return the settings for a command that works on the database alone."""
    if variables.get("POSTGRES_URL") is None:
        raise SettingsError(["POSTGRES_URL is not set."])
    return load({"IMBI_AUTH_JWT_SECRET": _UNUSED_SECRET, **variables})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbi-assistant",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version())
    parser.set_defaults(command=serve, workers=1, fd=None, metrics_port=None)
    add_address(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command, text in (
        ("serve", serve, "run the service; this is the default command"),
        ("chat", chat, "chat in the terminal with a service that is running"),
        ("token", token, "print an access token for a development user"),
        ("lambda", serve_functions, "run the Lambda functions of template.yaml behind one address, without AWS"),
        ("setup", setup, "create the missing parts of the graph in the database at POSTGRES_URL; safe to repeat"),
        ("eval", evaluate, "ask the questions of a file of cases and judge the answers, or make a case of an answer"),
        ("check", check, "check whether the installation is configured right"),
        ("audit", audit, "verify the audit in the database at POSTGRES_URL, or delete its old days"),
        ("sweep", sweep, "delete conversations that were idle for IMBI_ASSISTANT_RETENTION_DAYS"),
        ("rotate", rotate, "encrypt the secrets of MCP servers with the newest IMBI_CONFIG_ENCRYPTION_KEY"),
    ):
        # Defaults of a subcommand would override the options that are given before its name.
        subparser = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", argument_default=argparse.SUPPRESS
        )
        subparser.set_defaults(command=command)
        add_options(subparser, name)
    return parser


def _access(options: argparse.Namespace, variables: Mapping[str, str]) -> Access:
    import local.chat as terminal  # noqa: PLC0415  # `local` is not deployed

    if options.url is None and options.token is None:
        secret = _configured_secret(variables)
        return terminal.issued(_local_url(options, variables), options.user, secret, options.data_dir)
    access_token = options.token or variables.get(TOKEN_VARIABLE)
    if access_token is None:
        raise SettingsError([f"--url needs an access token or an API key: --token, or {TOKEN_VARIABLE}."])
    return terminal.given(options.url or _local_url(options, variables), access_token)


def _token(options: argparse.Namespace, variables: Mapping[str, str]) -> str:
    from local.tokens import issue_token, load_secret  # noqa: PLC0415  # `local` is not deployed

    return issue_token(_configured_secret(variables) or load_secret(options.data_dir), options.user)


def _configured_secret(variables: Mapping[str, str]) -> str | None:
    if not _is_development(variables):
        raise SettingsError([_NO_TOKENS])
    secret = variables.get("IMBI_AUTH_JWT_SECRET")
    return secret and separated_secrets(secret)[0]


def _local_url(options: argparse.Namespace, variables: Mapping[str, str]) -> str:
    return f"http://{options.host}:{options.port}{route_prefix(variables.get('IMBI_ASSISTANT_URL'))}"


def _is_development(variables: Mapping[str, str]) -> bool:
    return variables.get("ENVIRONMENT", DEVELOPMENT) == DEVELOPMENT


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
