"""What an operation's text tells the model: tidy, short, without what only its programmers need."""

from __future__ import annotations

import re
from collections import defaultdict

LONGEST_DESCRIPTION = 1000
LONGEST_ANNOTATION = 500

_HEADING = re.compile(
    r"\s*(args|arguments|parameters|params|returns?|raises|yields|responses?|examples?|attributes|todo)::?\s*",
    re.IGNORECASE,
)
_PARAMETERS = frozenset({"args", "arguments", "parameters", "params"})
_ENTRY = re.compile(r"(?P<indent>\s+)`*\*{0,2}(?P<name>[\w.-]+)`*(\s*\([^)]*\))?:\s+(?P<text>.*)")
_ROLE = re.compile(r":[a-z]+:`~?\.?([^`]*)`")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def describe(name: str, summary: object, description: object) -> tuple[str, dict[str, str]]:
    """Make a tool's description of an operation's summary and description.

    The second part is what the description says of single parameters: it goes with them.
    """
    body, parameters = without_sections(description if isinstance(description, str) else "")
    text = tidy(body, LONGEST_DESCRIPTION)
    title = tidy(summary, LONGEST_ANNOTATION) if isinstance(summary, str) else ""
    if not text or (_words(title) != _words(name) and not _words(text).startswith(_words(title))):
        text = f"{title.rstrip('.')}. {text}".strip() if title else text
    return shorten(text, LONGEST_DESCRIPTION) or name.replace("_", " "), parameters


def tidy(text: str, longest: int) -> str:
    """Take out line breaks inside paragraphs, reStructuredText's marks and control characters, and shorten."""
    text = _ROLE.sub(r"`\1`", _CONTROL.sub("", text)).replace("``", "`")
    paragraphs = (re.sub(r"\s+", " ", paragraph).strip() for paragraph in re.split(r"\n\s*\n", text))
    return shorten("\n".join(paragraph for paragraph in paragraphs if paragraph), longest)


def shorten(text: str, longest: int) -> str:
    """Cut a text at the end of a sentence, or of a word where the sentence is too long."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    end = max(cut.rfind(". "), cut.rfind(".\n"))
    return cut[: end + 1] if end > longest // 2 else f"{cut.rpartition(' ')[0] or cut}…"


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def without_sections(text: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into its text and what it says of single parameters; what it returns shows in a call."""
    kept: list[str] = []
    entries: defaultdict[str, list[str]] = defaultdict(list)
    section, entry, indent = None, None, 0
    for line in text.expandtabs().splitlines():
        if heading := _HEADING.fullmatch(line):
            section, entry = heading[1].lower(), None
        elif section and line.strip() and not line.startswith(" "):
            section = None
        if section is None:
            kept.append(line)
        elif (
            section in _PARAMETERS
            and (match := _ENTRY.fullmatch(line))
            and (entry is None or len(match["indent"]) <= indent)
        ):
            entry, indent = match["name"], len(match["indent"])
            entries[entry].append(match["text"])
        elif section in _PARAMETERS and entry:
            entries[entry].append(line)
    return "\n".join(kept), {name: tidy("\n".join(lines), LONGEST_ANNOTATION) for name, lines in entries.items()}
