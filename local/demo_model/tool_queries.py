"""Builds the queries of a search for tools, and decides whether a search is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.language import FILLER, stem

if TYPE_CHECKING:
    from local.demo_model.question import Question
    from local.demo_model.tool import Noun, OfferedTool

USUAL_KINDS: tuple[Noun, ...] = (
    ("environment",),
    ("project", "type"),
    ("user",),
    ("role",),
    ("blueprint",),
    ("tag",),
    ("webhook",),
    ("integration",),
    ("document",),
    ("servic", "account"),
    ("link", "definition"),
)
"""Kinds of things that every organization has, even if no tool for them is offered yet."""
_WHOLE = {"releas": "release", "servic": "service", "depend": "dependency"}
"""The words for stems that are not words themselves."""
LONGEST_QUERY = 8
"""The highest number of words in a query."""


def spoken(noun: Noun) -> str:
    """Return a kind of thing in whole words."""
    return " ".join(_WHOLE.get(part, part) for part in noun)


def query_of(question: Question) -> str:
    """Return the query that should find the tool which a question needs."""
    telling = [word for word in question.words if not {word, stem(word)} & FILLER and not word.isdecimal()]
    return " ".join(list(dict.fromkeys([*telling[:LONGEST_QUERY], *question.associations])))


def is_asked_for(tool: OfferedTool, question: Question) -> bool:
    """Return whether a tool is about exactly the things that a question names, and does what the question asks."""
    changes = {verb for verb in question.verbs if not verb.only_reads}
    is_head = not question.head or question.head in tool.noun[-1:]
    is_about = set(question.associations) <= set(tool.noun) <= set(question.topics)
    return is_head and is_about and (not changes or tool.verb in changes)
