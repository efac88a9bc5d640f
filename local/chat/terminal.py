"""A screen for terminals: finished blocks are printed once, and only the last block is redrawn as it grows."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text

from local.chat.markdown_blocks import split_finished
from local.chat.tables import TerminalMarkdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

# The region's other lines: an empty line above, the cursor's line, and one to spare.
_MARGIN_LINES = 3


@dataclass(frozen=True, slots=True)
class _Block:
    """Markdown without surrounding empty lines; with a height, only its last lines, which fit on the screen."""

    source: str
    height: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(TerminalMarkdown(self.source), options.update(height=None), pad=False)
        filled = [number for number, line in enumerate(lines) if not _is_empty(line)]
        lines = lines[filled[0] : filled[-1] + 1] if filled else []
        for line in lines[-max(self.height, 1) :] if self.height is not None else lines:
            yield from line
            yield Segment.line()


class TerminalScreen:
    """Shows streamed Markdown and running tools in colour."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pending = ""
        self._activities: dict[str, Spinner] = {}
        self._waiting = _spinner("thinking …")
        self._is_answering = False
        self._is_after_line = True
        self._live = self._new_live()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Draw the live region below the finished blocks during the answer, and remove it at the end."""
        self._is_answering, self._is_after_line = True, False
        self._live = self._new_live()
        with self._live:
            try:
                yield
            finally:
                self._is_answering = False
                self._activities.clear()
                self.finish_text()

    def tick(self) -> None:
        """Redraw the live region."""
        self._live.refresh()

    def text(self, piece: str) -> None:
        """Add to the pending text, and print the blocks that later text cannot change."""
        self._pending += piece
        if "\n" in piece:
            finished, self._pending = split_finished(self._pending)
            self._print_text(finished)

    def finish_text(self) -> None:
        """Print the pending text."""
        finished, self._pending = self._pending, ""
        self._print_text(finished)

    def begin(self, activity: str, line: str) -> None:
        """Show the line with a spinner."""
        self.finish_text()
        if activity not in self._activities:
            self._activities[activity] = _spinner(line)

    def settle(self, activity: str, line: str) -> None:
        """Replace the spinner by the line."""
        self._activities.pop(activity, None)
        self._print_line(line, "cyan")

    def note(self, line: str) -> None:
        """Print the line in a dim style."""
        self._print_line(line, "dim")

    def complete(self, line: str) -> None:
        """Print the line, and end the live region."""
        self._is_answering = False
        self.note(line)

    def error(self, line: str) -> None:
        """Print the line in red."""
        self._print_line(line, "red")

    def _print_text(self, markdown: str) -> None:
        if markdown.strip():
            self._is_after_line = False
            self._print(Group(Text(), _Block(markdown)))

    def _print_line(self, line: str, style: str) -> None:
        self.finish_text()
        text = Text(line, style=style)
        content = text if self._is_after_line else Group(Text(), text)
        self._is_after_line = True
        self._print(content)

    def _print(self, content: RenderableType) -> None:
        # In one write, the text appears above the region at the moment when the region no longer shows it.
        with self._console:
            self._live.refresh()
            self._console.print(content)

    def _new_live(self) -> Live:
        # Without auto_refresh: its thread could write between our writes.
        return Live(
            get_renderable=self._region,
            console=self._console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def _region(self) -> RenderableType:
        if not self._is_answering:
            return Text()
        activities = self._activities.values()
        if self._pending.strip():
            height = self._console.size.height - len(activities) - _MARGIN_LINES
            return Group(Text(), _Block(self._pending, height), *activities)
        lines = activities or (self._waiting,)
        return Group(*lines) if self._is_after_line else Group(Text(), *lines)


def _is_empty(line: list[Segment]) -> bool:
    # A line with a background, such as a line of code, is not empty.
    return all(not part.text.strip() and not (part.style and part.style.bgcolor) for part in line)


def _spinner(line: str) -> Spinner:
    return Spinner("dots", text=Text(line, style="dim"), style="cyan")
