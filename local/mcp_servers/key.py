"""The key that the external servers' secrets are encrypted with, made once and kept in the data directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

if TYPE_CHECKING:
    from pathlib import Path


def kept_encryption_key(data_dir: Path) -> str:
    """Read the data directory's key, made where there is none; only its owner can read it."""
    path = data_dir / "config_encryption_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        unfinished = data_dir / f"config_encryption_key.{os.getpid()}"
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(Fernet.generate_key())
        unfinished.rename(path)
    return path.read_text(encoding="ascii").strip()
