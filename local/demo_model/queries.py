"""The words to search for tools with, and when a search is worth while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.language import FILLER, stem

if TYPE_CHECKING:
    from local.demo_model.question import Question
    from local.demo_model.tools import Noun, Offer

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
"""Kinds of things that an organization has, whether or not a tool for them is offered yet."""
_WHOLE = {"releas": "release", "servic": "service", "depend": "dependency"}
"""What stems were cut from that are not words by themselves."""
LONGEST_QUERY = 8
"""Words that a search for tools has at most."""


def spoken(noun: Noun) -> str:
    """A kind of thing in whole words."""
    return " ".join(_WHOLE.get(part, part) for part in noun)


def query_of(question: Question) -> str:
    """The words to search for the tool that a question needs."""
    telling = [word for word in question.words if not {word, stem(word)} & FILLER and not word.isdecimal()]
    return " ".join(list(dict.fromkeys([*telling[:LONGEST_QUERY], *question.associations])))


def is_asked_for(offer: Offer, question: Question) -> bool:
    """Whether a tool is about just what a question names, and does what it asks for."""
    changes = {verb for verb in question.verbs if not verb.only_reads}
    is_head = not question.head or question.head in offer.noun[-1:]
    is_about = set(question.associations) <= set(offer.noun) <= set(question.topics)
    return is_head and is_about and (not changes or offer.verb in changes)
