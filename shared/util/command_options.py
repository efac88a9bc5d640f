"""The options of the commands."""

from __future__ import annotations

import argparse
from pathlib import Path

from shared.util.argument_types import day, job_count, port, seconds, worker_count

DEFAULT_USER = "developer@example.com"
TOKEN_VARIABLE = "IMBI_ASSISTANT_TOKEN"  # noqa: S105  # the name of a variable
_DATA_DIR = Path(__file__).parents[2] / ".data"
_WITHOUT_ADDRESS = frozenset({"setup", "check", "audit", "rotate", "sweep"})
_ENVIRONMENTS = 8
"""Enough Lambda environments for a conversation in which each route is used."""


def add_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the options of a command."""
    if command not in _WITHOUT_ADDRESS:
        add_address(parser)
    if command == "serve":
        parser.add_argument(
            "--workers", type=worker_count, metavar="N", help="number of processes that share the port (default: 1)"
        )
        # The parent process of several workers gives them these two.
        parser.add_argument("--fd", type=int, nargs="+", help=argparse.SUPPRESS)
        parser.add_argument("--metrics-port", type=int, help=argparse.SUPPRESS)
    _add_operation(parser, command)
    if command in {"chat", "token", "eval"}:
        parser.add_argument(
            "--user", metavar="EMAIL", default=DEFAULT_USER, help="development user to act as (default: %(default)s)"
        )
    if command in {"chat", "eval"}:
        parser.add_argument("--url", default=None, help="URL of any service, with the prefix of its routes")
        parser.add_argument(
            "--token", default=None, help=f"access token or API key for the service (default: {TOKEN_VARIABLE})"
        )
    if command == "chat":
        parser.add_argument("--conversation", metavar="ID", default=None, help="continue this conversation")
    if command == "eval":
        _add_evaluation(parser)
    if command == "lambda":
        _add_lambda(parser)


def add_address(parser: argparse.ArgumentParser) -> None:
    """Add the options for the address of a service on this machine."""
    has_defaults = parser.argument_default is not argparse.SUPPRESS
    for flag, kind, metavar, default, text in (
        ("--host", str, "HOST", "127.0.0.1", "address of the service"),
        ("--port", port, "PORT", 8002, "port of the service"),
        ("--data-dir", Path, "DIR", _DATA_DIR, "directory for the embedded database, secrets and the chat's history"),
    ):
        value = default if has_defaults else argparse.SUPPRESS
        parser.add_argument(flag, type=kind, metavar=metavar, default=value, help=f"{text} (default: {default})")


def _add_operation(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the options of a command for operators."""
    if command == "check":
        parser.add_argument("--model", action="store_true", default=False, help="also ask the model for one token")
        _add_json(parser, "a JSON list")
    if command == "setup":
        parser.add_argument("--create", action="store_true", default=False, help="also create the graph if it is new")
    if command == "audit":
        parser.add_argument("action", choices=("verify", "prune"), help="what to do")
        parser.add_argument("--day", type=day, metavar="DAY", default=None, help="verify one UTC day, YYYY-MM-DD")


def _add_evaluation(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [options] CASES | %(prog)s [options] add MESSAGE_ID"
    parser.add_argument(
        "words", nargs="+", metavar="CASES | add MESSAGE_ID", help="a file of cases, or `demo`; or the answer to add"
    )
    parser.add_argument("--model", default=None, help="the model that answers (default: the service's own)")
    parser.add_argument("--against", metavar="MODEL", default=None, help="another model, to compare with the first")
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="run the cases whose names match, such as 'team*'"
    )
    parser.add_argument("--jobs", type=job_count, metavar="N", default=2, help="cases at the same time (default: 2)")
    parser.add_argument(
        "--timeout", type=seconds, metavar="SECONDS", default=120.0, help="longest wait for one answer (default: 120)"
    )
    parser.add_argument("--keep", action="store_true", default=False, help="keep the conversations")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FILE",
        default=Path("cases.toml"),
        help="file that `add` changes (default: %(default)s)",
    )
    _add_json(parser, "a JSON object")


def _add_lambda(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--payload",
        choices=("2.0", "1.0"),
        default="2.0",
        help="the events: 2.0 as Function URLs and HTTP APIs send them, or 1.0 as REST APIs do (default: 2.0)",
    )
    parser.add_argument(
        "--environments",
        type=worker_count,
        metavar="N",
        default=_ENVIRONMENTS,
        help="most processes at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--concurrency",
        type=worker_count,
        metavar="N",
        default=1,
        help="requests at a time in a process that streams, as on Lambda Managed Instances (default: 1)",
    )
    parser.add_argument(
        "--snap-start", action="store_true", default=False, help="start each process as if from a snapshot"
    )


def _add_json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", default=False, help=f"print {what}")
