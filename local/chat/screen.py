"""The interface of a screen that shows answers, and the plain one for files, pipes and simple terminals."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import TextIO


class Screen(Protocol):
    """Shows a conversation."""

    def answering(self) -> AbstractContextManager[None]:
        """Enclose an answer; at the end, unfinished text is shown as it is."""
        ...

    def tick(self) -> None:
        """Redraw; called several times a second during an answer."""
        ...

    def text(self, piece: str) -> None:
        """Add text to the current block, which is Markdown."""
        ...

    def finish_text(self) -> None:
        """End the current block of text."""
        ...

    def begin(self, activity: str, line: str) -> None:
        """Show that an activity is running; repeated calls have no effect."""
        ...

    def settle(self, activity: str, line: str) -> None:
        """Replace an activity by its outcome."""
        ...

    def note(self, line: str) -> None:
        """Show a line that is not part of the answer."""
        ...

    def complete(self, line: str) -> None:
        """Show the usage of the answer, which is complete now."""
        ...

    def error(self, line: str) -> None:
        """Show an error."""
        ...


class PlainScreen:
    """Writes answers to one stream and everything else to another, so that a pipe receives the answers only."""

    def __init__(self, answers: TextIO, notes: TextIO) -> None:
        self._answers = answers
        self._notes = notes
        self._is_in_text = False
        self._has_text = False
        self._activities: set[str] = set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Enclose an answer."""
        self._activities.clear()
        try:
            yield
        finally:
            self.finish_text()

    def tick(self) -> None:
        """Do nothing: plain text is never redrawn."""

    def text(self, piece: str) -> None:
        """Write text immediately, with an empty line before a new block."""
        if not self._is_in_text and self._has_text:
            self._answers.write("\n")
        self._is_in_text = self._has_text = True
        self._answers.write(piece)
        self._answers.flush()

    def finish_text(self) -> None:
        """End the line."""
        if self._is_in_text:
            self._answers.write("\n")
            self._answers.flush()
        self._is_in_text = False

    def begin(self, activity: str, line: str) -> None:
        """Write the line the first time."""
        if activity not in self._activities:
            self._activities.add(activity)
            self.note(line)

    def settle(self, activity: str, line: str) -> None:
        """Write the line."""
        self._activities.discard(activity)
        self.note(line)

    def note(self, line: str) -> None:
        """Write the line among the notes."""
        self.finish_text()
        self._notes.write(f"{line}\n")
        self._notes.flush()

    def complete(self, line: str) -> None:
        """Write the line among the notes."""
        self.note(line)

    def error(self, line: str) -> None:
        """Write the line among the notes."""
        self.note(line)
