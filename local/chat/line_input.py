"""Reads lines of input: typed, with line editing and a history, or from a pipe."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

try:
    import readline as _readline
except ImportError:  # Python on Windows has no readline: there is no line editing.
    readline: ModuleType | None = None
else:
    readline = _readline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType
    from typing import TextIO

_HISTORY_LINES = 1000
_PROMPT = "> "


@contextmanager
def line_history(path: Path | None) -> Iterator[None]:
    """Load the history of typed lines, and save it at the end. A history that cannot be used is ignored."""
    if path is None or readline is None:
        yield
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Questions are private.
        path.touch(mode=0o600, exist_ok=True)
        readline.read_history_file(path)
    readline.set_history_length(_HISTORY_LINES)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(path)


def typed_lines() -> Iterator[str]:
    """Yield typed lines until Ctrl-D, or Ctrl-C at an empty prompt; on a non-empty line, Ctrl-C discards the line."""
    while True:
        try:
            yield input(_PROMPT).strip()
        except EOFError:
            print()  # noqa: T201  # the shell's prompt starts on a new line
            return
        except KeyboardInterrupt:
            print()  # noqa: T201  # so does this prompt
            if readline is None or not readline.get_line_buffer():
                return


def piped_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of a stream."""
    for line in stream:
        yield line.strip()
