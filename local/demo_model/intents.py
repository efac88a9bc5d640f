"""Which plan answers a question: the kinds of questions as data, the first that fits counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.demo_model import changes, lookups, talk
from local.demo_model.browser import go
from local.demo_model.conversation import Exchange
from local.demo_model.dependencies import depends
from local.demo_model.language import FILLER, Verb
from local.demo_model.listing import described, listed
from local.demo_model.question import Question
from local.demo_model.releases import releases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan

_POLITE = (
    r"^\W*(?:(?:hi|hello|hey|please|now|then|and|ok|so|can you|could you|would you|i want (?:you )?to|let'?s)\b"
    r"[\s,!]*)*"
)


@dataclass(frozen=True)
class Intent:
    """A kind of question: how it is recognised, and the plan that answers it."""

    pattern: str
    plan: Callable[[Desk], Plan[str]]

    def fits(self, text: str) -> bool:
        """Whether a question is of this kind."""
        return bool(re.search(self.pattern, text, re.IGNORECASE))


INTENTS = (
    Intent(r"^\W*(?:hi|hello|hey|help|help me|good (?:morning|day|evening))\W*$", talk.help_),
    Intent(r"^\W*(?:thanks?|thank you|thx|great|cool|nice|perfect|bye|goodbye)\b[\w\s,]{0,20}\W*$", talk.welcome),
    Intent(r"\b(?:what|how) (?:can|could|do) (?:you|i) (?:do|ask|help|use)|what are you able", talk.help_),
    Intent(r"\b(?:are|who are|what are) you\b(?!.*\b(?:able|going)\b)|language model|which model", talk.help_),
    Intent(r"\bwho am i\b|\bwhat (?:may|can|am) i (?:do|allowed|permitted)|\bam i (?:an? )?admin", talk.identity),
    Intent(r"\bmy (?:permissions?|profile|roles?|teams?)\b", talk.identity),
    Intent(r"\b(?:refresh|reload|re-?read)\b.*\b(?:tools?|spec|openapi|document|servers?)\b", talk.refresh),
    Intent(r"\brename\b.+\bto\b", changes.change),
    Intent(r"\b(?:set|change|update|edit|modify)\b.+\b(?:of|for)\b.+\bto\b", changes.change),
    Intent(_POLITE + r"add\b.*@.*\bto\b", changes.join),
    Intent(_POLITE + r"(?:create|add|make|register|set up)\b", changes.create),
    Intent(_POLITE + r"(?:delete|remove)\b", changes.delete),
    Intent(_POLITE + r"(?:archive|unarchive|restore|run|trigger|sync|revoke|cancel|block|unblock)\b", changes.act),
    Intent(_POLITE + r"(?:publish|cut|rotate|record)\b", changes.act),
    Intent(r"\bcompare\b|\bdifferences? between\b|\b(?:vs\.?|versus)\b", lookups.compare),
    Intent(_POLITE + r"(?:go to|goto|navigate|take me|bring me|jump to|open (?!pull|pr\b|incident|issue))", go),
    Intent(r"\bwho (?:owns?|maintains?|is responsible|runs)\b|\bown(?:er|ership)\b", lookups.owner),
    Intent(
        r"\b(?:which|what) team (?:owns|maintains|is responsible|runs|has)\b|\bowned by (?:who|which)", lookups.owner
    ),
    Intent(r"\bdepend(?:s|encies|ency|ents?|ants?)?\b|\brelationships?\b", depends),
    Intent(r"\breleases?\b|\breleased\b|\b(?:latest|current|deployed|running|what) versions?\b", releases),
    Intent(r"^\W*who(?:'s| is) (?!on\b|in\b|the\b|responsible)", lookups.person),
    Intent(
        _POLITE + r"(?:describe|tell me (?:more )?about|details|explain|show (?:me )?(?:the )?details)\b",
        described,
    ),
    Intent(_POLITE + r"what(?:'s| is) (?!the|my|new|going|in\b)", lookups.describe),
)
_JOINT = re.compile(r"(?:,?\s+and|[?;])\s+(?=(?:what|who|which|how many)\b)", re.IGNORECASE)
"""Where a double question is parted."""
_FIELD = re.compile(
    r"^\W*(?:what|which)(?:'s| is| are)?\s+(?:the\s+)?[\w -]+?\s+(?:of|does|is|has|for)\s", re.IGNORECASE
)
"""Questions that may ask for one field of a thing."""
LONGEST_NAME = 4
"""Words of a name."""


def plan_for(desk: Desk) -> Plan[str]:
    """The plan for a question; of a double question, for both parts, the second seeing the first."""
    parts = _JOINT.split(desk.question.text)
    if len(parts) == 1:
        return _plan_for_one(desk)
    return _both(desk, parts)


def _both(desk: Desk, parts: Sequence[str]) -> Plan[str]:
    answers: list[str] = []
    for place, part in enumerate(parts):
        before = [Exchange(text, desk.context) for text in parts[:place]]
        answer = yield from _plan_for_one(replace(desk, question=Question(part), earlier=[*desk.earlier, *before]))
        answers.append(answer)
    return "\n\n".join(answers)


def _plan_for_one(desk: Desk) -> Plan[str]:
    for intent in INTENTS:
        if intent.fits(desk.question.text):
            return intent.plan(desk)
    return _by_tools(desk)


def _by_tools(desk: Desk) -> Plan[str]:
    """Let the tools decide: a field or a thing that is named, else the tool that fits best."""
    if _FIELD.search(desk.question.text) and (answer := (yield from lookups.attribute(desk))):
        return answer
    if _is_name(desk) and (yield from desk.find_all(lookups.PROJECT)):
        return (yield from lookups.describe(desk))
    ranked = desk.catalogue.ranked(desk.question)
    if not ranked or (desk.question.head and not any(desk.question.head in offer.noun for _, offer in ranked)):
        return (yield from _without_tool(desk))
    best = ranked[0][1]
    if best.lists and not best.needs and not best.server:
        return (yield from listed(desk, best))
    return (yield from lookups.anything(desk))


def _without_tool(desk: Desk) -> Plan[str]:
    """Where no tool's name has to do with the question: a search, projects of a kind, the thing that is named."""
    searcher = desk.catalogue.searcher
    if searcher and Verb.SEARCH in desk.question.verbs:
        return (yield from lookups.called(desk, searcher))
    projects = desk.catalogue.lister(lookups.PROJECT)
    if projects and desk.question.head:
        return (yield from listed(desk, projects, about=desk.question.head))
    if desk.question.slugs or desk.question.quoted:
        return (yield from lookups.describe(desk))
    return (yield from lookups.anything(desk))


def _is_name(desk: Desk) -> bool:
    """Whether the question is hardly more than a name."""
    question = desk.question
    few = 0 < len(question.topics) <= LONGEST_NAME and not question.head and not question.verbs
    return few and desk.catalogue.lister(lookups.PROJECT) is not None and question.words[0] not in FILLER
