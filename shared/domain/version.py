"""The project's name and its installed version."""

from __future__ import annotations

from importlib import metadata

NAME = "imbi-assistant"


def version() -> str:
    """Return the installed version of this project, or "0" if it is not installed as a package."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "0"
