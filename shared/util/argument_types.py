"""The types of arguments on the command line, each with a sentence about a wrong value."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import date

_MAX_PORT = 65_535
_MAX_JOBS = 32
_MAX_SECONDS = 3_600


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


def job_count(text: str) -> int:
    """Return a number of jobs that run at the same time.

    Raises:
        ArgumentTypeError: the text is none.
    """
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_JOBS:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_JOBS}")
    return int(text)


def seconds(text: str) -> float:
    """Return a time in seconds.

    Raises:
        ArgumentTypeError: the text is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= _MAX_SECONDS:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds up to {_MAX_SECONDS}")
    return found
