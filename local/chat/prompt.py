"""The questions: typed with line editing and a history, or read from a pipe."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

try:
    import readline as _readline
except ImportError:  # Windows' Python has none: lines are typed without editing.
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
def kept_history(path: Path | None) -> Iterator[None]:
    """Load the lines that were typed before, and keep this time's. What can't be read or written is gone, no more."""
    if path is None or readline is None:
        yield
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Questions are nobody else's business.
        path.touch(mode=0o600, exist_ok=True)
        readline.read_history_file(path)
    readline.set_history_length(_HISTORY_LINES)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(path)


def typed_lines() -> Iterator[str]:
    """Ask for lines until Ctrl-D, or Ctrl-C at an empty prompt; elsewhere Ctrl-C drops the line."""
    while True:
        try:
            yield input(_PROMPT).strip()
        except EOFError:
            print()  # noqa: T201  # the shell's prompt belongs on a line of its own
            return
        except KeyboardInterrupt:
            print()  # noqa: T201  # so does ours
            if readline is None or not readline.get_line_buffer():
                return


def piped_lines(stream: TextIO) -> Iterator[str]:
    """Read lines to the stream's end."""
    for line in stream:
        yield line.strip()
