"""The npm packages of one folder, installed as its lock file names them."""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INSTALL: Final = ("ci", "--no-audit", "--no-fund", "--loglevel=error")
"""npm's arguments that install a folder's locked packages."""

_LOCK: Final = "package-lock.json"


def is_installed(folder: Path) -> bool:
    """Return whether every package of the folder's lock is installed in its locked version.

    npm describes what it has installed in `node_modules/.package-lock.json`. The contents are compared, not the times:
    a checkout gives the lock a new time without changing it. Packages that are optional may be missing.
    """
    installed = _packages(folder / "node_modules" / f".{_LOCK}")
    return all(
        installed.get(path, {}).get("version") == package["version"]
        for path, package in _packages(folder / _LOCK).items()
        if path and not package.get("optional")
    )


@contextmanager
def one_installation(folder: Path) -> Iterator[None]:
    """Keep other processes from installing the same folder's packages at the same time."""
    with (folder / _LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _packages(lock: Path) -> dict[str, dict[str, object]]:
    try:
        packages: dict[str, dict[str, object]] = json.loads(lock.read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    return packages
