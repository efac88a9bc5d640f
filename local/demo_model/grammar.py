"""The grammar of questions: a pattern accounts for every word of a question, or it does not match.

A pattern is written as people would say it:

    (which|what) team owns [the] {project}

`(a|b)` are alternatives, `[a]` may be left out, and `{name}` is a slot. A slot for a name takes no word of
`_FUNCTION_WORDS` and no number, so that a question with a condition which the pattern does not know ("in French",
"not", "3.9") does not match.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_QUESTION = 300
"""The number of characters of the longest question that may match."""
PRONOUNS = ("it", "this", "that", "this project", "that project", "this team", "that team")
"""What refers to a thing that was named before, or that the UI shows."""
KINDS = (
    "projects|teams|environments|project types|organizations|roles|service accounts|blueprints|users|tags"
    "|link definitions"
)
_FUNCTION_WORDS = (
    "a about actually after again ago all already also although always an and another any anybody anyone are as at "
    "be because been before being below best between both but by can cannot could currently day days did do does "
    "during each either else ever every everyone everything except excluding fewer few for from had has have having he "
    "her his hour hours how i if in including instead into is it its just last lately latest least less made many may "
    "me might minutes mine month months more most much must my neither never newest next no nobody none nor not "
    "nothing now of often on once one only or other our out over past per please rather recently same she should "
    "since so some somebody someone still than that the their them then there these they this those three through to "
    "today tomorrow tonight too two under unless until upcoming us versus via vs was we week weeks were what when "
    "where whether which while who whom whose why will with within without worst would year years yesterday yet you "
    "your"
)
_WORD = rf" (?!(?:{_FUNCTION_WORDS.replace(' ', '|')})(?![\w-]))(?:&|[^\W\d_][\w&+#@'/.-]*)"
_QUOTED = r" (?:\"[^\"]+\"|`[^`]+`|'[^']+'(?=\s|\Z))"
_NAME = rf"{_QUOTED}|{_WORD}(?:{_WORD}){{0,4}}"
_NAME_OR_PRONOUN = rf" (?:{'|'.join(sorted(PRONOUNS, key=len, reverse=True))})(?= |\Z)|{_NAME}"
_SLOTS = {
    "kind": " (?:" + KINDS + ")(?= |\\Z)",
    "single": " (?:project type|project|team|environment|organization|role)(?= |\\Z)",
    "new": " (?:team|environment|tag|project type)(?= |\\Z)",
    "page": " (?:dashboard|operations log|reports|profile|" + KINDS + ")(?= |\\Z)",
    "go": " (?:(?:go|navigate|take me|bring me) to|open|show me) (?:its page|it)",
    "by": " (?:project type|type|team)",
    "order": " (?:highest|lowest|best|worst)",
    "status": " (?:open|resolved)",
    "field": " (?:description|score|slug|programming language|language|framework|team|project type|type|lifecycle"
    "|criticality|icon|name)(?= |\\Z)",
    "project": _NAME_OR_PRONOUN,
    "team": _NAME_OR_PRONOUN,
    "value": rf"{_QUOTED}|{_WORD}(?:{_WORD})?",
    "number": r" [1-9]\d{0,2}(?= |\Z)",
    "email": r" [\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "text": rf"{_QUOTED}|(?: [^\s\"?]+){{1,12}}",
}
"""The slots that take something else than a name."""
_PARTS = re.compile(r"[\[\]()|]|\{\w+\}|[^\s\[\]()|{}]+")
_SYNTAX = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|"}
_POLITE_START = re.compile(
    r"^(?:(?:hi|hello|hey|ok|okay|so|and|now|then)(?: imbi)?[,!]? (?=\S)|please,? "
    r"|(?:can|could|would|will) you (?:please )?|i (?:want|would like|need) to (?:know|see) "
    r"|(?:tell|show) me (?=who|what|which|how))+",
    re.IGNORECASE,
)
_POLITE_END = re.compile(r",? (?:please|thanks|thank you|for me)$", re.IGNORECASE)
_SHORT_FORMS = (
    (re.compile(r"\b(what|who)'s\b", re.IGNORECASE), r"\1 is"),
    (re.compile(r"\bi'd\b", re.IGNORECASE), "i would"),
)


def normalized(question: str) -> str:
    """Return a question on one line, without courtesies, without the punctuation at its end, with plain quotes."""
    if len(question) > LONGEST_QUESTION:
        return ""
    text = question.translate(str.maketrans("\u2019\u2018\u201c\u201d", "''\"\""))
    text = " ".join(text.split()).rstrip("?.! ")
    text = _POLITE_END.sub("", _POLITE_START.sub("", text)).rstrip("?.!, ")
    for pattern, instead in _SHORT_FORMS:
        text = pattern.sub(instead, text)
    return text


def match(pattern: str, question: str) -> Mapping[str, str] | None:
    """Return the slots of a normalized question that a pattern matches as a whole; None if it does not match."""
    found = _compiled(pattern).fullmatch(f" {question}")
    if found is None:
        return None
    return {name: value.strip().strip("\"'`") for name, value in found.groupdict().items() if value is not None}


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_part, _PARTS.findall(pattern))), re.IGNORECASE)


def _part(part: str) -> str:
    if part.startswith("{"):
        name = part[1:-1]
        return f"(?P<{name}>{_SLOTS.get(name, _NAME)})"
    return _SYNTAX.get(part) or f" {re.escape(part)}"
