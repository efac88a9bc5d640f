"""Reads questions: typed with line editing and a history, or the whole of a pipe."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyPressEvent

_PROMPT = "> "
_NEXT_LINE = "… "
_PASTE_SECONDS = 0.01
"""The next piece of pasted text comes sooner than this, and nobody types so fast."""


class Typist:
    """Reads from the terminal. Pasted text may have several lines, and Alt-Enter begins a new line."""

    def __init__(self, history_file: Path | None) -> None:
        self._session: PromptSession[str] = PromptSession(
            _PROMPT,
            history=_history(history_file),
            key_bindings=_keys(),
            multiline=True,
            prompt_continuation=_NEXT_LINE,
        )

    def questions(self) -> Iterator[str]:
        """Yield questions until Ctrl-D, or Ctrl-C at an empty prompt; otherwise Ctrl-C discards what is written."""
        while True:
            try:
                yield self._session.prompt().strip()
            except (EOFError, KeyboardInterrupt):
                return

    @staticmethod
    def confirms(question: str) -> bool:
        """Ask a question whose answer is yes only with `y` or `yes`."""
        try:
            answer = PromptSession[str]().prompt(f"{question} [y/N] ")
        except (EOFError, KeyboardInterrupt):
            return False
        return answer.strip().lower() in {"y", "yes"}


def piped_question(stream: TextIO) -> str:
    """Read a stream to its end as one question."""
    return stream.read().strip()


def _history(path: Path | None) -> History:
    """Open the history; one that cannot be used is replaced by one in memory."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Questions are private.
        path.touch(mode=0o600, exist_ok=True)
        with path.open("ab"):
            return _Questions(str(path))
    except OSError:
        return InMemoryHistory()


class _Questions(FileHistory):
    """A history on a disk that may become full; then the history is only in memory."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: KeyPressEvent) -> None:
        if _is_pasted(event):
            event.current_buffer.insert_text("\n")
        else:
            event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def _discard(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            _exit(event)

    return keys


def _is_pasted(event: KeyPressEvent) -> bool:
    """Return whether more keys follow at once: some terminals send pasted text as if it was typed."""
    if any(press.key != Keys.CPRResponse for press in event.key_processor.input_queue):
        return True
    ready, _, _ = select.select([event.app.input.fileno()], [], [], _PASTE_SECONDS)
    return bool(ready)


def _exit(event: KeyPressEvent) -> None:
    application: Any = event.app
    application.exit(exception=EOFError)
