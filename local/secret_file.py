"""Secrets that are created once and stored in the data directory, readable by their owner only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shared.domain.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_or_create(path: Path, create: Callable[[], str]) -> str:
    """Read the secret from a file; create the file, and its directory, if it does not exist.

    Raises:
        StartupError: the file cannot be read or written; the message is one line for the terminal.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Another process must never read a file that is only half written.
            unfinished = path.with_name(f"{path.name}.{os.getpid()}")
            unfinished.touch(mode=0o600)
            unfinished.write_text(create(), encoding="ascii")
            unfinished.rename(path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise StartupError(f"Cannot use the data directory {path.parent}: {error.strerror}.") from error
