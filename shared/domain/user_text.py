"""The user's own words in a message, without the blocks that the web UI adds to it."""

from __future__ import annotations

import re

_OPENING = re.compile(r"[ \t]*<(context|search_context)(?:\s[^<>\n]*)?>", re.IGNORECASE)
_OPENING_LINE = re.compile(rf"^{_OPENING.pattern}", re.IGNORECASE | re.MULTILINE)
_NAMES = ("context", "search_context")
_CLOSING = {name: re.compile(rf"</{name}[ \t]*>[ \t]*\n*", re.IGNORECASE | re.ASCII) for name in _NAMES}
_TAG = {
    name: re.compile(rf"<{name}(?:\s[^<>\n]*)?>|(?P<closing></{name}[ \t]*>[ \t]*\n*)", re.IGNORECASE | re.ASCII)
    for name in _NAMES
}
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def without_ui_blocks(text: str) -> str:
    """Return a message without the `<context>` and `<search_context>` blocks that the UI puts before a question.

    A block begins at the start of a line or right after another block. The same tag within a line is the user's own
    text. Blocks of the same name may be nested. The UI closes every block; an unclosed block ends at the next blank
    line. The time is linear in the length of the text.
    """
    parts: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while opening := _OPENING.match(text, position) or _OPENING_LINE.search(text, position):
        parts.append(text[position : opening.start()])
        position = _end_of_block(text, opening, unclosed)
    return "".join([*parts, text[position:]]).strip() if parts else text


def _end_of_block(text: str, opening: re.Match[str], unclosed: set[str]) -> int:
    """Return the position of a block's end.

    `unclosed` collects the tags that a search to the end of the text did not find in pairs (`<name>`) or at all
    (`</name>`), so that the text is searched only once for each of them.
    """
    name = opening[1].lower()
    if f"<{name}>" not in unclosed:
        depth = 1
        for tag in _TAG[name].finditer(text, opening.end()):
            depth += -1 if tag["closing"] else 1
            if not depth:
                return tag.end()
        unclosed.add(f"<{name}>")
    if f"</{name}>" not in unclosed:
        closing = _CLOSING[name].search(text, opening.end())
        if closing is not None:
            return closing.end()
        unclosed.add(f"</{name}>")
    blank_line = _BLANK_LINE.search(text, opening.end())
    return blank_line.end() if blank_line is not None else len(text)
