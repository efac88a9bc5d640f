"""The comparison of an answer with what its case expects."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from local.eval.cases import PATTERN
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.eval.answers import GivenAnswer
    from local.eval.cases import Alternatives, Turn

MAX_TEXT_CHARS = 100_000
"""Characters of an answer that are compared."""
_LINK = bounded(r"\[([^\]\n]{0,1000})\]\(\s{0,9}<?([^)\s>]{1,2000})>?[^)\n]{0,300}\)", MAX_TEXT_CHARS)
_BARE_LINK = bounded(r"(?<![(\w])https?://[^\s<>)\]]{1,2000}", MAX_TEXT_CHARS)
_MARKS = str.maketrans("", "", "*`_")


def problems(turn: Turn, answer: GivenAnswer) -> list[str]:
    """Return one sentence for each expectation that an answer does not meet; none if all is well."""
    if answer.failure is not None:
        return [answer.failure]
    text = answer.text[:MAX_TEXT_CHARS]
    links = links_in(text)
    found = [f"It did not call {_named(each)}." for each in turn.tools if not _is_called(each, answer.tools)]
    found += [f"It called {each}." for each in turn.not_tools if _is_called(each, answer.tools)]
    found += [f"The answer lacks {_named(each)}." for each in turn.facts if not _occurs(each, text)]
    found += [f"The answer has “{each}”." for each in turn.not_facts if _occurs(each, text)]
    found += [f"There is no link to {_named(each)}." for each in turn.links if not _leads(each, links)]
    found += [f"It did not ask before {_named(each)}." for each in turn.asks if not _is_called(each, answer.asked)]
    unexpected = [name for name in answer.asked if not any(_is_called(each, [name]) for each in turn.asks)]
    if unexpected:
        found.append(f"It wanted to change something: {', '.join(unexpected)}. The call was not run.")
    return found


def links_in(text: str) -> list[str]:
    """Return the targets of the links in a Markdown text, and the bare addresses."""
    return [found[2] for found in _LINK.finditer(text)] + [found[0] for found in _BARE_LINK.finditer(text)]


def _is_called(expected: Alternatives, names: Iterable[str]) -> bool:
    called = list(names)
    return any(_is_name(each, name) for each in _each(expected) for name in called)


def _is_name(expected: str, name: str) -> bool:
    if expected.startswith(PATTERN):
        return re.search(expected.removeprefix(PATTERN), name) is not None
    return fnmatchcase(name, expected)


def _occurs(expected: Alternatives, text: str) -> bool:
    """Return whether a text occurs, whatever its case, emphasis and whitespace; links count by their words."""
    shown = plain(_LINK.sub(r"\1", text))
    return any(_is_in(each, shown, text) for each in _each(expected))


def _is_in(expected: str, shown: str, text: str) -> bool:
    if expected.startswith(PATTERN):
        pattern = expected.removeprefix(PATTERN)
        return any(re.search(pattern, each, re.IGNORECASE | re.MULTILINE) for each in (text, shown))
    words = plain(expected)
    # Whole words: the fact “8” is not in “80”.
    before = r"(?<!\w)" if words[:1].isalnum() else ""
    after = r"(?!\w)" if words[-1:].isalnum() else ""
    return re.search(before + re.escape(words) + after, shown) is not None


def plain(text: str) -> str:
    """Return a text without case, emphasis and line breaks."""
    return " ".join(text.translate(_MARKS).split()).casefold()


def _leads(expected: Alternatives, links: Sequence[str]) -> bool:
    return any(_is_target(each, link) for each in _each(expected) for link in links)


def _is_target(expected: str, link: str) -> bool:
    if expected.startswith(PATTERN):
        return re.search(expected.removeprefix(PATTERN), link) is not None
    return expected in link


def _each(expected: Alternatives) -> tuple[str, ...]:
    return (expected,) if isinstance(expected, str) else expected


def _named(expected: Alternatives) -> str:
    return " or ".join(f"“{each}”" for each in _each(expected))
