"""A program on a pseudo-terminal, and the screen that its output gives."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SECONDS = 30
_TRIES = 30
_CODE = re.compile(r"\x1b\[(\d*)([A-Za-z])|\x1b\[[?\d;]*[A-Za-z]|[\s\S]")


class Program:
    """A program under a pseudo-terminal; each wait is bounded."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.written = ""
        self._terminal = terminal
        self._seen = 0

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str) -> None:
        """Wait until the program has written a text after the last one that was waited for."""
        assert self._finds(text, _SECONDS), f"{text!r} was not written: {self.written!r}"

    def interrupt_until(self, text: str) -> None:
        """Press Ctrl-C until a text is written, as people do.

        Python's line editing overlooks a signal that comes between its last look for one and its wait for keys.
        """
        for _ in range(_TRIES):
            self.type("\x03")
            if self._finds(text, _SECONDS / _TRIES):
                return
        raise AssertionError(f"{text!r} was not written: {self.written!r}")

    def interrupt(self) -> int:
        """Press Ctrl-C until the program ends, and return its exit status."""
        for _ in range(_TRIES):
            self.type("\x03")
            if self._ends(_SECONDS / _TRIES):
                break
        return self.process.wait(_SECONDS)

    def wait(self) -> int:
        """Wait for the program's end and return its exit status."""
        self._ends(_SECONDS)
        return self.process.wait(_SECONDS)

    def _finds(self, text: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while (found := self.written.find(text, self._seen)) < 0:
            if not self._read(deadline):
                return False
        self._seen = found + len(text)
        return True

    def _ends(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return time.monotonic() < deadline

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(deadline - time.monotonic(), 0))
        try:
            piece = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # Linux' way to say that nobody has the terminal open any more.
            piece = b""
        self.written += piece.decode(errors="replace")
        return bool(piece)


@contextmanager
def on_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Program]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603  # the tests' own command
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(environment), start_new_session=True
    )
    os.close(theirs)
    try:
        yield Program(process, ours)
    finally:
        process.kill()
        process.wait(_SECONDS)
        os.close(ours)


def shown(written: str, height: int) -> list[str]:
    """Play what was written on a screen of some height; return all lines, those that scrolled away too."""
    lines, row, column = [""], 0, 0
    for code in _CODE.finditer(written):
        character, count = code[0], int(code[1] or 1)
        if character == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif character == "\r":
            column = 0
        elif code[2] == "A":
            row = max(row - count, len(lines) - height, 0)
        elif code[2] == "K":
            lines[row] = ""
        elif len(character) == 1:
            lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]
