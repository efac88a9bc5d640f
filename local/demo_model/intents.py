"""Chooses the plan that answers a question: a table of patterns, of which the first match counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.demo_model import about, changes, lookups, undoing
from local.demo_model.conversation import Turn
from local.demo_model.dependencies import show_dependencies
from local.demo_model.language import FILLER, Verb
from local.demo_model.listing import describe_or_list, list_things
from local.demo_model.plan import CannotAnswer
from local.demo_model.question import Question
from local.demo_model.releases import releases
from local.demo_model.ui_actions import navigate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task

_POLITE = (
    r"^\W*(?:(?:hi|hello|hey|please|now|then|and|ok|so|can you|could you|would you|i want (?:you )?to|let'?s)\b"
    r"[\s,!]*)*"
)


@dataclass(frozen=True)
class Intent:
    """A kind of question: the pattern that recognises it, and the plan that answers it."""

    pattern: str
    plan: Callable[[Task], Plan[str]]

    def fits(self, text: str) -> bool:
        """Return whether a question is of this kind."""
        return bool(re.search(self.pattern, text, re.IGNORECASE))


INTENTS = (
    Intent(r"^\W*(?:hi|hello|hey|help|help me|good (?:morning|day|evening))\W*$", about.describe_self),
    Intent(
        r"^\W*(?:thanks?|thank you|thx|great|cool|nice|perfect|bye|goodbye)\b[\w\s,]{0,20}\W*$", about.accept_thanks
    ),
    Intent(r"\b(?:what|how) (?:can|could|do) (?:you|i) (?:do|ask|help|use)|what are you able", about.describe_self),
    Intent(r"\b(?:are|who are|what are) you\b(?!.*\b(?:able|going)\b)|language model|which model", about.describe_self),
    Intent(r"\bwho am i\b|\bwhat (?:may|can|am) i (?:do|allowed|permitted)|\bam i (?:an? )?admin", about.describe_user),
    Intent(r"\bmy (?:permissions?|profile|roles?|teams?)\b", about.describe_user),
    Intent(r"\b(?:refresh|reload|re-?read)\b.*\b(?:tools?|spec|openapi|document|servers?)\b", about.refresh_tools),
    Intent(_POLITE + r"(?:undo|revert|take (?:that|it|this) back|roll (?:that|it|this) back)\b", undoing.undo),
    Intent(r"\brename\b.+\bto\b", changes.change),
    Intent(r"\b(?:set|change|update|edit|modify)\b.+\b(?:of|for)\b.+\bto\b", changes.change),
    Intent(_POLITE + r"add\b.*@.*\bto\b", changes.add_member),
    Intent(_POLITE + r"(?:create|add|make|register|set up)\b", changes.create),
    Intent(_POLITE + r"(?:delete|remove)\b", changes.delete),
    Intent(_POLITE + r"(?:archive|unarchive|restore|run|trigger|sync|revoke|cancel|block|unblock)\b", changes.act),
    Intent(_POLITE + r"(?:publish|cut|rotate|record)\b", changes.act),
    Intent(r"\bcompare\b|\bdifferences? between\b|\b(?:vs\.?|versus)\b", lookups.compare),
    Intent(_POLITE + r"(?:go to|goto|navigate|take me|bring me|jump to|open (?!pull|pr\b|incident|issue))", navigate),
    Intent(r"\bwho (?:owns?|maintains?|is responsible|runs)\b|\bown(?:er|ership)\b", lookups.owner),
    Intent(
        r"\b(?:which|what) team (?:owns|maintains|is responsible|runs|has)\b|\bowned by (?:who|which)", lookups.owner
    ),
    Intent(r"\bdepend(?:s|encies|ency|ents?|ants?)?\b|\brelationships?\b", show_dependencies),
    Intent(r"\breleases?\b|\breleased\b|\b(?:latest|current|deployed|running|what) versions?\b", releases),
    Intent(r"^\W*who(?:'s| is) (?!on\b|in\b|the\b|responsible)", lookups.person),
    Intent(
        _POLITE + r"(?:describe|tell me (?:more )?about|details|explain|show (?:me )?(?:the )?details)\b",
        describe_or_list,
    ),
    Intent(_POLITE + r"what(?:'s| is) (?!the|my|new|going|in\b)", lookups.describe),
)
_JOINT = re.compile(r"(?:,?\s+and|[?;])\s+(?=(?:what|who|which|how many)\b)", re.IGNORECASE)
"""The place where a double question is split in two."""
_FIELD = re.compile(
    r"^\W*(?:what|which)(?:'s| is| are)?\s+(?:the\s+)?[\w -]+?\s+(?:of|does|is|has|for)\s", re.IGNORECASE
)
"""Matches questions that may ask for one field of a thing."""
LONGEST_NAME = 4
"""The highest number of words in a name."""


def plan_for(task: Task) -> Plan[str]:
    """Return the plan for a question. A double question gets a plan for both parts; the second part knows the first."""
    parts = _JOINT.split(task.question.text)
    if len(parts) == 1:
        return _plan_for_one(task)
    return _both(task, parts)


def _both(task: Task, parts: Sequence[str]) -> Plan[str]:
    answers: list[str] = []
    for place, part in enumerate(parts):
        before = [Turn(text, task.context) for text in parts[:place]]
        part_task = replace(task, question=Question(part), earlier=[*task.earlier, *before])
        try:
            answer = yield from _plan_for_one(part_task)
        except CannotAnswer as problem:
            if not answers:
                raise
            # An unanswered second part must not hide the answer to the first.
            answer = str(problem) or f"I did not understand the part “{part.strip()}”."
        answers.append(answer)
    return "\n\n".join(answers)


def _plan_for_one(task: Task) -> Plan[str]:
    for intent in INTENTS:
        if intent.fits(task.question.text):
            return intent.plan(task)
    return _by_tools(task)


def _by_tools(task: Task) -> Plan[str]:
    """Answer a question that fits no pattern: by a field or a thing that it names, else by the best tool."""
    if _FIELD.search(task.question.text) and (answer := (yield from lookups.attribute(task))):
        return answer
    if _is_name(task) and (yield from task.find_all(lookups.PROJECT)):
        return (yield from lookups.describe(task))
    ranked = task.catalogue.ranked(task.question)
    if not ranked or (task.question.head and not any(task.question.head in tool.noun for _, tool in ranked)):
        return (yield from _without_tool(task))
    best = ranked[0][1]
    if best.lists and not best.needs and not best.server:
        return (yield from list_things(task, best))
    return (yield from lookups.call_best_tool(task))


def _without_tool(task: Task) -> Plan[str]:
    """Answer a question that no tool's name fits: by a search, by projects of a kind, by the thing that it names."""
    searcher = task.catalogue.searcher
    if searcher and Verb.SEARCH in task.question.verbs:
        return (yield from lookups.call_tool(task, searcher))
    projects = task.catalogue.lister(lookups.PROJECT)
    if projects and task.question.head:
        return (yield from list_things(task, projects, about=task.question.head))
    if task.question.slugs or task.question.quoted:
        return (yield from lookups.describe(task))
    return (yield from lookups.call_best_tool(task))


def _is_name(task: Task) -> bool:
    """Return whether the question is little more than a name."""
    question = task.question
    few = 0 < len(question.topics) <= LONGEST_NAME and not question.head and not question.verbs
    return few and task.catalogue.lister(lookups.PROJECT) is not None and question.words[0] not in FILLER
