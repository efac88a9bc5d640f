"""The grammar of questions: a form accounts for every word of a question, or it does not match.

A form is written as people would say it:

    (which|what) team owns {project}

`(a|b)` are alternatives, `[a]` may be left out, and `{name}` is a slot. A slot for a name takes no function word and no
number, so that a question with a condition which the form does not know ("in French", "not", "3.9") does not match. It
allows an article before the name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from shared.util.english import STOP_WORDS

LONGEST_QUESTION = 300
"""The number of characters of the longest question that may match."""
PRONOUNS = ("it", "its", "their", "this", "that", "this project", "that project", "this team", "that team")
"""What refers to a thing that was named before, or that the UI shows."""
_KINDS = "projects|teams|environments|project types|organizations|roles|service accounts|blueprints|users|tags"
_MORE = """
    ago already although always another below best between currently day days during except excluding fewer hour hours
    how instead its last lately latest least less made minutes month months most much newest next nothing often past per
    recently since three tomorrow tonight two unless upcoming versus vs week weeks worst year years yesterday
    built coded deployed implemented maintained owned written
    """
FUNCTION_WORDS = {*STOP_WORDS, *_MORE.split()} - {"go", "thing", "things"}
_WORD = rf" (?!(?:{'|'.join(sorted(FUNCTION_WORDS))})(?![\w-]))(?:&|[^\W\d_][\w&+#@'/.-]*)"
_QUOTED = r" (?:\"[^\"]+\"|`[^`]+`|'[^']+'(?=\s|\Z))"
_NAME = rf"{_QUOTED}|{_WORD}(?:{_WORD}){{0,4}}"
_NAME_OR_PRONOUN = rf" (?:{'|'.join(sorted(PRONOUNS, key=len, reverse=True))})(?= |\Z)|{_NAME}"
_ARTICLE = r"(?: the| our)?"
_TEXT = rf"{_QUOTED}|(?: [^\s\"?]+){{1,12}}"
_SLOTS = {
    "kinds": rf" (?:{_KINDS}|link definitions)(?= |\Z)",
    "kind": r" (?:project type|project|team|environment|organization|role|user)(?= |\Z)",
    "new": r" (?:team|environment|tag|project type)(?= |\Z)",
    "page": rf" (?:dashboard|operations log|reports|profile|{_KINDS})(?= |\Z)",
    "go": r" (?:(?:go|navigate|take me|bring me) to|open|show me) (?:its page|it)",
    "by": r" (?:project type|type|team)",
    "best": r" (?:highest|best)",
    "one": r" project(?= |\Z)",
    "top": r" top(?= |\Z)",
    "negation": r" (?:not|never)",
    "without": r" (?:no|without|lack)",
    "above": r" (?:above|over|(?:greater|higher|more) than)",
    "below": r" (?:below|under|(?:lower|less) than)",
    "status": r" (?:open|resolved)",
    "span": r" (?:today|in the (?:last|past)(?: [1-9]\d{0,2})? (?:hour|day|week)s?)(?= |\Z)",
    "field": r" (?:description|score|slug|(?:programming )?language|framework|team|(?:project )?type|lifecycle"
    r"|criticality|icon|name|data classification|cost center|test coverage|orchestration|engine version|engine"
    r"|last restore test)(?= |\Z)",
    "attribute": rf"(?:{_WORD}){{1,2}}",
    "value": rf"{_QUOTED}|{_WORD}(?:{_WORD})?",
    "values": rf"(?:{_NAME})(?: or(?:{_NAME})){{0,3}}",
    "conditions": r"(?: [^\s?]+){1,30}",
    "number": r" [1-9]\d{0,2}(?= |\Z)",
    "email": r" [\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "q": _TEXT,
    "query": _TEXT,
}
"""The slots that take something else than a name."""
_KEYWORDS = ("by", "field", "kind", "kinds", "new", "page", "span", "status")
"""The slots that take words of the grammar itself."""
_WRITTEN_OUT = (*_KEYWORDS, "kind", "best", "one", "top", "negation", "without", "above", "below")
"""The slots whose words are written out above."""
_NO_PRONOUNS = ("name", "to", "user", "environment")
WORDS_OF_SLOTS = frozenset(word for name in _WRITTEN_OUT for word in re.findall(r"[a-z]{2,}", _SLOTS[name]))
"""The words of the grammar that stand in slots."""
_PARTS = re.compile(r"[\[\]()|]|\{\w+\}|[^\s\[\]()|{}]+")
_SYNTAX = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|"}
_POLITE_START = re.compile(
    r"^(?:(?:hi|hello|hey|ok|okay|so|and|now|then)(?: imbi)?[,!]? (?=\S)|please,? "
    r"|(?:can|could|would|will) you (?:please )?|i (?:want|would like|need) to (?:know|see) "
    r"|(?:tell|show) me (?=who|what|which|how)|do you know (?=who|what|which|how))+",
    re.IGNORECASE,
)
_POLITE_END = re.compile(r",? (?:please|thanks|thank you|for me)$", re.IGNORECASE)
_NEXT = re.compile(r"\?\s+(?:and )?(?=\w)|,? and (?=(?:who|what|which|how)\b)", re.IGNORECASE)
_SHORT_FORMS = (
    (re.compile(r"\b(what|who|which|how)'s\b", re.IGNORECASE), r"\1 is"),
    (re.compile(r"\bi'd\b", re.IGNORECASE), "i would"),
    (re.compile(r"\b(are|do|does|is)n't\b", re.IGNORECASE), r"\1 not"),
)


def words_of(form: str) -> set[str]:
    """Return the words that a form itself contains."""
    return {part.lower() for part in _PARTS.findall(form) if part.isalpha()}


def normalized(question: str) -> str:
    """Return a question on one line, without courtesies, without the punctuation at its end, with plain quotes."""
    if len(question) > LONGEST_QUESTION:
        return ""
    text = question.translate(str.maketrans("\u2019\u2018\u201c\u201d", "''\"\""))
    text = " ".join(text.split()).rstrip("?.! ")
    for pattern, instead in _SHORT_FORMS:
        text = pattern.sub(instead, text)
    return _POLITE_END.sub("", _POLITE_START.sub("", text)).rstrip("?.!, ")


def parts_of(question: str) -> list[str]:
    """Return the questions, normalized, that follow one another in a text."""
    return [normalized(part) for part in _NEXT.split(question)] if len(question) <= LONGEST_QUESTION else [""]


def match(form: str, question: str) -> dict[str, str] | None:
    """Return the slots of a normalized question that a form matches as a whole; None if it does not match."""
    found = _compiled(form).fullmatch(f" {question}")
    if found is None:
        return None
    said = {name: value.strip().strip("\"'`") for name, value in found.groupdict().items() if value is not None}
    return {name: value.lower() if name in _KEYWORDS else value for name, value in said.items()}


@lru_cache(maxsize=512)
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile("".join(map(_part, _PARTS.findall(form))), re.IGNORECASE)


def _part(part: str) -> str:
    if part.startswith("{"):
        name = part[1:-1]
        taken = _SLOTS.get(name) or (_NAME if name in _NO_PRONOUNS else _NAME_OR_PRONOUN)
        return f"{'' if name in _SLOTS else _ARTICLE}(?P<{name}>{taken})"
    return _SYNTAX.get(part) or f" {re.escape(part)}"
