"""The key that encrypts the secrets of MCP servers in the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from local.secret_file import read_or_create

if TYPE_CHECKING:
    from pathlib import Path


def load_encryption_key(data_dir: Path) -> str:
    """Read the key, a Fernet key, from the data directory; create it if there is none.

    Raises:
        StartupError: the data directory cannot be used.
    """
    return read_or_create(data_dir / "config_encryption_key", lambda: Fernet.generate_key().decode())
