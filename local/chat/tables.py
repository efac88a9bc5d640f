"""Markdown for the terminal: tables that are too wide are shown as lists, and relative links as their text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.console import Group
from rich.markdown import Markdown, MarkdownElement, TableElement
from rich.padding import Padding
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderResult

_GAP = 2
"""The columns between two cells."""
_MAX_LINES = 2
"""The lines that a cell may be wrapped to, on average of the widest row, before a table becomes a list."""


class FittingTable(TableElement):
    """A table, or a list with an entry for each row if the table would not fit the terminal."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads = [cell.content for cell in self.header.row.cells] if self.header and self.header.row else []
        rows = [[cell.content for cell in row.cells] for row in self.body.rows] if self.body else []
        if _fits([heads, *rows], options.max_width):
            yield from super().__rich_console__(console, options)
            return
        yield Group(*(entry for row in rows for entry in _entry(heads, row)))


class TerminalMarkdown(Markdown):
    """Markdown whose URLs are printed: a hidden URL could differ from the one that the link's text shows."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "table_open": FittingTable}

    def __init__(self, source: str) -> None:
        super().__init__(source, hyperlinks=False)
        for token in self.parsed:
            if token.children:
                token.children = list(_without_relative_links(token.children))


def _fits(rows: Sequence[Sequence[Text]], width: int) -> bool:
    """Return whether no word must be broken, and few cells wrapped."""
    columns = list(zip(*rows, strict=False))
    gaps = _GAP * max(len(columns) - 1, 0)
    longest_words = [max(max(map(len, cell.plain.split()), default=1) for cell in column) for column in columns]
    widths = [max(cell.cell_len for cell in column) for column in columns]
    return sum(longest_words) + gaps <= width and sum(widths) + gaps <= width * _MAX_LINES


def _entry(heads: Sequence[Text], row: Sequence[Text]) -> Iterator[Padding]:
    """Yield the lines of a row: the first cell as the title, the others with their column's head."""
    for number, cell in enumerate(row):
        if not cell.plain.strip():
            continue
        if number == 0:
            yield Padding(Text.assemble("• ", cell), (0, 0, 0, 1))
            continue
        head = heads[number].plain if number < len(heads) else ""
        yield Padding(Text.assemble((f"{head}: " if head else "", "dim"), cell), (0, 0, 0, 3))


def _without_relative_links(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out links to pages of Imbi's UI, whose addresses mean nothing in a terminal."""
    is_relative = False
    for token in tokens:
        if token.type == "link_open":
            is_relative = "://" not in str(token.attrs.get("href", ""))
        if not (is_relative and token.type in {"link_open", "link_close"}):
            yield token
