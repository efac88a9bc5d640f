"""No regular expression is applied to text from outside without a bound on its length."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from shared.util.patterns import bounded
from tests.test_layers import modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.test_layers import Module

WRAPPER = "shared.util.patterns"
FUNCTIONS = frozenset({"compile", "sub", "subn", "search", "match", "fullmatch", "split", "findall", "finditer"})

ONE_CLASS = re.compile(r"\[(?:[^\]\\]|\\.)+\](?:[*+?]|\{\d+(?:,\d*)?\})?", re.DOTALL)
"""A single character class, perhaps repeated: each character is read once, whatever the text."""

UNBOUNDED = {
    r'("(?:[^"\\]|\\.)*")|::(?:vertex|edge|path|numeric)': "The database writes the text, and closes every string.",
    r"\{(display_name|email|admin_flag|perms_section|tools_section|links_section)\}": "The operator's own template.",
    r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]*": "The operator's own setting.",
    r"\{\{|\}\}|\{([A-Za-z_]\w*)\}": "The operator's own template.",
    r"\s*[a-z_]+\s*=": "The operator's own setting.",
    r"(/.*)?/\d+": "The operator's own setting.",
    r"[a-z0-9]+(?:\+\+)?": "Each character belongs to one match.",
    r"\b[a-z]+(?:[A-Z][a-z0-9]*)+": "A match begins at a word's beginning only, and reads the word twice at most.",
    r"(?=[A-Z])": "One character.",
    r"(?<=[.!?])\s|\n": "One character.",
    r"- ([a-zA-Z0-9_-]{1,128}): ": "At most 132 characters at the beginning of a line.",
    r"[ \t]*<(context|search_context)(?:\s[^<>\n]*)?>": "Matched at the beginning of a line; each line is read once.",
    r"\n[ \t]*\n": "A question has 32,768 characters, and each of its lines is read once.",
    r"\xff[^\x00\xff\xd0-\xd7]": "Two bytes.",
    "[\ud800-\udbff]\\Z": "One character.",
    r"id: [^\n]*\nevent: ([a-z_]+)\ndata: (.*)\n\n": "A frame of ours, whose lines are read once.",
    r"%(?:\((\w+)\))?s": "The placeholders of our own statements.",
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?": "At most 63 characters.",
}
"""Patterns without a wrapper, each with the reason why its cost is linear or its text is not from outside."""

COMPUTED = {
    "shared.agent.cut_calls": "The beginning of one fixed tag.",
    "shared.domain.user_text": "The opening tag where a line begins, and the closing tag, sought once for each name.",
    "shared.tools.definitions.keywords": "A schema's own pattern is compiled as a check and never applied.",
    "shared.agent.prompt": "Placeholders and braces in the operator's own template.",
    "shared.tools.search.vocabulary": "Alternatives of fixed words, without any repetition over a class.",
    "shared.util.words": "Two classes of characters, one of which is repeated; each character is read once.",
    "shared.observability.redaction": "Each alternative begins with a fixed sign, and its match is read once.",
    "shared.observability.sentry": "The templates of our own log messages.",
}
"""Modules whose pattern is not a plain literal, with the reason."""


def patterns_of(module: Module) -> Iterator[tuple[int, str | None]]:
    """Yield the line and the literal of every regular expression; the literal is None where it is computed."""
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in FUNCTIONS
        ):
            literal = node.args[0] if node.args else None
            value = literal.value if isinstance(literal, ast.Constant) else None
            yield node.lineno, value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else None


def problems(module: Module) -> Iterator[str]:
    for line, pattern in patterns_of(module):
        if pattern is None or "(?x" in pattern or "\n" in pattern:
            is_listed = module.name in COMPUTED
        else:
            is_listed = ONE_CLASS.fullmatch(pattern) is not None or pattern in UNBOUNDED
        if not is_listed:
            yield f"{module.name}:{line} applies {pattern!r} without a bound: use shared.util.patterns.bounded"
    if any(name in {"regex", "fnmatch.translate"} for name in imported(module)):
        yield f"{module.name} has patterns that this test does not see"


def imported(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            if node.module == "re":
                yield "regex"


def test_every_pattern_over_foreign_text_is_bounded_or_listed_with_a_reason() -> None:
    found = [problem for module in modules("shared") if module.name != WRAPPER for problem in problems(module)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import re\nre.compile(r'a+b')",
        "import re\nre.sub(r'\\s+$', '', text)",
        "import re\nre.search(pattern, text)",
        "from re import sub",
        "import regex",
    ],
)
def test_an_unbounded_pattern_is_found(source: str) -> None:
    from tests.test_layers import Module  # noqa: PLC0415  # only this test makes modules

    assert list(problems(Module("shared.agent.new", source)))


def test_a_bounded_pattern_sees_no_more_than_its_limit() -> None:
    pattern = bounded(r"a|(b)", 3)
    assert pattern.sub("x", "aaaaa") == "xxx"
    assert pattern.split("0b0b", 1) == ["0", "b", "0"]
    assert (pattern.search("000a"), pattern.fullmatch("aaaa")) == (None, None)
    assert (pattern.match("a") is not None, pattern.fullmatch("b") is not None) == (True, True)
    assert len(list(pattern.finditer("aaaaa"))) == len(pattern.findall("aaaaa")) == 3


@pytest.mark.parametrize("size", [10, 10_000, 1_000_000])
def test_the_work_of_a_bounded_pattern_does_not_grow_with_the_text(size: int) -> None:
    assert len(bounded(r".", 100).findall("x" * size)) == min(size, 100)
