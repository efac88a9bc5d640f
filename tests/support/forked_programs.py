"""Programs of ours as processes that start in a moment: forked from one process that has imported everything.

What a program imports first, and in which order, does not show here. The tests of `serve` start a Python for that.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.context import ForkServerContext

SECONDS = 60
"""How long a program may run."""

IMPORTED = (
    "cli",
    "local.chat",
    "local.eval",
    "shared.chat.assembly",
    "shared.checks.run",
    "tests.support.chat_program",
)


class Forked(NamedTuple):
    """A function that is the program, named `module:function`, and what it is started with."""

    function: str
    arguments: tuple[str, ...]
    directory: Path
    variables: Mapping[str, str]
    stdin: str = ""


def run(program: Forked) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; it is killed if it takes longer than a minute."""
    with tempfile.TemporaryDirectory() as given:
        out, errors = Path(given) / "out", Path(given) / "errors"
        process = _context().Process(
            target=_become, args=(program._replace(variables=dict(program.variables)), out, errors)
        )
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        read = [file.read_text("utf-8") if file.exists() else "" for file in (out, errors)]
        assert process.exitcode is not None
        return subprocess.CompletedProcess(program.arguments, process.exitcode, *read)


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED])
    return context


def _become(program: Forked, out: Path, errors: Path) -> None:
    """Be the program: with its directory, its variables, its arguments and its files."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(program.directory)
    os.environ.clear()
    os.environ.update(program.variables)
    reading, writing = os.pipe()
    os.write(writing, program.stdin.encode())
    os.close(writing)
    os.dup2(reading, 0)
    for descriptor, file in ((1, out), (2, errors)):
        os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND), descriptor)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.argv = [program.function, *program.arguments]
    module, _, name = program.function.partition(":")
    try:
        sys.exit(getattr(import_module(module), name)())
    finally:
        _save_coverage()


def _save_coverage() -> None:
    """Save what coverage has measured: its own way to do so is skipped at the end of such a process."""
    coverage = sys.modules.get("coverage")
    if coverage is not None and (measured := coverage.Coverage.current()):
        measured.save()
