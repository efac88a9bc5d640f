"""Where an answer is shown, and the plain one: text for files, pipes and simple terminals."""

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
        """Enclose an answer: what is unfinished at its end is shown as it stands."""
        ...

    def tick(self) -> None:
        """Draw what has changed or moves; called some times a second during an answer."""
        ...

    def text(self, piece: str) -> None:
        """Add to the current block of text, which is Markdown."""
        ...

    def finish_text(self) -> None:
        """End the current block of text."""
        ...

    def begin(self, activity: str, line: str) -> None:
        """Show that an activity goes on; no matter how often."""
        ...

    def settle(self, activity: str, line: str) -> None:
        """Replace an activity by what became of it."""
        ...

    def note(self, line: str) -> None:
        """Say something beside the answer."""
        ...

    def complete(self, line: str) -> None:
        """Say what the answer took; nothing of it is waited for any more."""
        ...

    def error(self, line: str) -> None:
        """Say that something failed."""
        ...


class PlainScreen:
    """Answers go to one stream as they come, everything else to another, so that a pipe gets the answers alone."""

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
        """Do nothing: text moves nothing."""

    def text(self, piece: str) -> None:
        """Write a piece at once, with an empty line before a new block."""
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
