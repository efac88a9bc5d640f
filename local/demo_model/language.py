"""The English that the demo model knows: stems, filler words, kinds of verbs."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


class Verb(Enum):
    """The kinds of verbs in questions and in the names of tools."""

    LIST = "list"
    GET = "get"
    SEARCH = "search"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NAVIGATE = "navigate"
    REFRESH = "refresh"
    OTHER = "other"

    @property
    def only_reads(self) -> bool:
        """Whether the verb never changes anything."""
        return self in {Verb.LIST, Verb.GET, Verb.SEARCH}


VERBS: dict[str, Verb] = {
    **dict.fromkeys(["list", "enumerat"], Verb.LIST),
    **dict.fromkeys(["get", "read", "fetch", "retriev", "describ", "show", "view", "lookup"], Verb.GET),
    **dict.fromkeys(["search", "find", "query"], Verb.SEARCH),
    **dict.fromkeys(["creat", "add", "make", "regist", "new"], Verb.CREATE),
    **dict.fromkeys(["updat", "patch", "renam", "set", "chang", "edit", "modify"], Verb.UPDATE),
    **dict.fromkeys(["delet", "remov", "revok", "drop"], Verb.DELETE),
    **dict.fromkeys(["navigat"], Verb.NAVIGATE),
    **dict.fromkeys(["refresh", "reload"], Verb.REFRESH),
}
"""Verbs by stem."""

FILLER = frozenset(
    {
        "a", "about", "above", "actually", "again", "all", "also", "am", "an", "and", "any", "anything", "are", "aren",
        "as", "ask", "at", "available", "be", "been", "being", "below", "but", "by", "call", "can", "concerning",
        "configured", "could", "currently", "defined", "did", "do", "doe", "does", "doesn", "don", "each", "else",
        "ever", "every", "exactly", "except", "exist", "existing", "exists", "for", "from", "give", "had", "has",
        "have", "having", "hello", "help", "here", "hey", "hi", "how", "i", "if", "in", "into", "involving", "is",
        "isn", "it", "its", "just", "know", "last", "late", "latest", "least", "let", "like", "list", "look", "many",
        "may", "me", "might", "more", "most", "much", "my", "need", "new", "newest", "no", "non", "nor", "not", "now",
        "of", "okay", "on", "one", "ones", "onl", "only", "or", "other", "our", "out", "over", "please", "quick",
        "recent", "recently", "regarding", "related", "right", "see", "shall", "should", "show", "so", "some", "tell",
        "than", "thank", "thanks", "that", "the", "their", "them", "then", "there", "these", "they", "thi", "thing",
        "this", "those", "through", "to", "today", "too", "two", "under", "up", "us", "use", "using", "want", "was",
        "we", "were", "what", "what's", "when", "where", "which", "who", "whom", "whose", "why", "will", "with",
        "without", "would", "yet", "you", "your",
    }
)  # fmt: skip
"""Words that say nothing about the subject of a question."""

_SAME = {
    "env": "environment",
    "org": "organization",
    "organisation": "organization",
    "ops": "operation",
    "op": "operation",
    "dependency": "depend",
    "dependent": "depend",
    "dependant": "depend",
    "relationship": "depend",
    "owner": "own",
    "ownership": "own",
    "people": "member",
    "pr": "pull",
    "repo": "repository",
    "deployment": "deploy",
}
"""Stems with the stems that they are treated as."""

ASSOCIATED: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (frozenset({"happen"}), ("operation", "log")),
    (frozenset({"did", "recently"}), ("operation", "log")),
    (frozenset({"operation"}), ("log",)),
    (frozenset({"deploy"}), ("operation", "log")),
    (frozenset({"who", "team"}), ("member",)),
    (frozenset({"on", "call"}), ("rota",)),
)
"""Further stems that a question is about if it has certain stems."""

_ENDINGS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", ""))
_SHORTEST_PLURAL = 2
"""Words of up to this many letters, such as "is", keep their final s."""
_SHORTEST = 4
"""The lowest number of letters in a stem."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the stem of a lower-case word, which its inflections share."""
    if len(word) > _SHORTEST_PLURAL and not word.endswith(("ss", "us", "sis")):
        for ending, instead in _ENDINGS:
            if word.endswith(ending):
                word = word.removesuffix(ending) + instead
                break
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word.removesuffix(ending)
            break
    word = _SAME.get(word, word)
    return word.removesuffix("e") if len(word) > _SHORTEST else word


def words(text: str) -> list[str]:
    """Split a text into lower-case words; `camelCase` and `snake_case` are split too."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", text).replace("'s", " ").replace("\u2019s", " ")
    return re.findall(r"[^\W_]+", parted.lower())


def stems(text: str) -> tuple[str, ...]:
    """Split a text into stems."""
    return tuple(stem(word) for word in words(text))


def content(text: str) -> list[str]:
    """Return the stems of a text without filler."""
    return [stem(word) for word in words(text) if word not in FILLER and stem(word) not in FILLER]


def is_plural(word: str) -> bool:
    """Return whether a word looks like a plural."""
    return word.endswith("s") and not word.endswith(("ss", "us", "sis"))


def singular(noun: str) -> str:
    """Return the singular of a noun."""
    if not is_plural(noun):
        return noun
    return noun[:-3] + "y" if noun.endswith("ies") else noun[:-1]


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun if noun.endswith("s") else noun + "s"


def slug_of(name: str) -> str:
    """Return the slug of a name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def counted(number: int, phrase: str) -> str:
    """Return a number in bold with its noun."""
    return f"**{number}** {phrase if number == 1 else plural(phrase)}"
