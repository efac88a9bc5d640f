"""Log lines that people can read in a terminal."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_CHATTY = ("httpx2", "httpcore2", "mcp", "fastmcp", "uvicorn.access")
"""Libraries that write a line for every request, with its URL."""


def set_up_logging(level: str) -> None:
    """Write our lines at a level, and of the chatty libraries' only what is a warning."""
    logging.basicConfig(level=level if level in logging.getLevelNamesMapping() else "INFO", format=_FORMAT)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
