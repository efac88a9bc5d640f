"""The types of arguments on the command line, each with a sentence about a wrong value."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import date

_MAX_PORT = 65_535


def port(text: str) -> int:
    """Return a port number.

    Raises:
        ArgumentTypeError: the text is none.
    """
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise ArgumentTypeError(f"{text!r} is not a port number from 0 to {_MAX_PORT}")
    return int(text)


def day(text: str) -> date:
    """Return a day.

    Raises:
        ArgumentTypeError: the text is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-11-26") from None


def worker_count(text: str) -> int:
    """Return a number of processes.

    Raises:
        ArgumentTypeError: the text is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of processes from 1")
    return int(text)
