"""Descriptions of tools and parameters, made of an API's own texts: short, without notes for its programmers."""

from __future__ import annotations

import re
from collections import defaultdict

from shared.util.patterns import bounded

LONGEST_DESCRIPTION = 1000
LONGEST_ANNOTATION = 500
"""Characters of a description of a parameter or property."""

_MAX_TEXT_CHARS = 20_000
_MAX_LINE_CHARS = 2_000
_HEADING = bounded(
    r"\s*(args|arguments|parameters|params|returns?|raises|yields|responses?|examples?|attributes|todo)::?\s*",
    100,
    re.IGNORECASE,
)
_PARAMETER_HEADINGS = frozenset({"args", "arguments", "parameters", "params"})
_ENTRY = bounded(
    r"(?P<indent>\s{1,80})`{0,2}\*{0,2}(?P<name>[\w.-]{1,100})`{0,2}(\s{0,4}\([^)]{0,200}\))?:\s{1,80}(?P<text>.*)",
    _MAX_LINE_CHARS,
)
_ROLE = bounded(r":[a-z]{1,20}:`~?\.?([^`]{0,200})`", _MAX_TEXT_CHARS)
_CONTROL = bounded(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", _MAX_TEXT_CHARS)
_NO_WORD = bounded(r"[^a-z0-9]+", 2 * LONGEST_DESCRIPTION)


def describe(name: str, summary: object, description: object) -> tuple[str, dict[str, str]]:
    """Make a tool's description of an operation's summary and description.

    The second value has the sentences of the description about single parameters, by parameter.
    """
    body, parameters = without_sections(description if isinstance(description, str) else "")
    text = tidy(body, LONGEST_DESCRIPTION)
    title = tidy(summary, LONGEST_ANNOTATION) if isinstance(summary, str) else ""
    if not text or (_words(title) != _words(name) and not _words(text).startswith(_words(title))):
        text = f"{title.rstrip('.')}. {text}".strip() if title else text
    return shorten(text, LONGEST_DESCRIPTION) or name.replace("_", " "), parameters


def tidy(text: str, longest: int) -> str:
    """Join the lines of each paragraph, remove reStructuredText's marks and control characters, and shorten."""
    lines = _ROLE.sub(r"`\1`", _CONTROL.sub("", text)).replace("``", "`").split("\n")
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if words := line.split():
            paragraphs[-1] += words
        elif paragraphs[-1]:
            paragraphs.append([])
    return shorten("\n".join(" ".join(words) for words in paragraphs if words), longest)


def shorten(text: str, longest: int) -> str:
    """Cut a text after a sentence, or after a word where the sentence is too long."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    end = max(cut.rfind(". "), cut.rfind(".\n"))
    return cut[: end + 1] if end > longest // 2 else f"{cut.rpartition(' ')[0] or cut}…"


def _words(text: str) -> str:
    return _NO_WORD.sub("", text.lower())


def without_sections(text: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into its text and its descriptions of single parameters.

    Sections about returned values, errors and examples are left out.
    """
    kept: list[str] = []
    entries: defaultdict[str, list[str]] = defaultdict(list)
    section, entry, indent = None, None, 0
    for line in text[:_MAX_TEXT_CHARS].expandtabs().splitlines():
        if heading := _HEADING.fullmatch(line):
            section, entry = heading[1].lower(), None
        elif section and line.strip() and not line.startswith(" "):
            section = None
        if section is None:
            kept.append(line)
        elif (
            section in _PARAMETER_HEADINGS
            and (match := _ENTRY.fullmatch(line))
            and (entry is None or len(match["indent"]) <= indent)
        ):
            entry, indent = match["name"], len(match["indent"])
            entries[entry].append(match["text"])
        elif section in _PARAMETER_HEADINGS and entry:
            entries[entry].append(line)
    return "\n".join(kept), {name: tidy("\n".join(lines), LONGEST_ANNOTATION) for name, lines in entries.items()}
