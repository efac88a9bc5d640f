"""Finds out what a question asks, by the closed set of forms in `questions.txt` and by the questions before it."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from local.demo_model.conditions import conditions_of
from local.demo_model.grammar import FUNCTION_WORDS, WORDS_OF_SLOTS, match, words_of
from local.demo_model.typos import corrected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ASIDE = "[and|but] [what about|how about]"
_NARROWER = "(which|what|how many) of (those|these|them) {conditions}"
"""The form that adds conditions to those of the question before."""
_OTHER = f"{_ASIDE} [for|of|on|to] {{name}}"
"""The form that asks the question before about another thing."""
_MOST_EARLIER = 6
"""The number of earlier questions among which a follow-up finds the one that it refers to."""


class Question(NamedTuple):
    """A kind of question: the name of the plan that answers it, an example for the help, the forms of its wordings."""

    plan: str
    example: str
    forms: list[str]
    is_change: bool


class Understood(NamedTuple):
    """A question with what it says in the slots of its form."""

    question: Question
    slots: Mapping[str, str]

    def with_slots(self, **slots: str) -> Understood:
        """Return the question with other words in some slots."""
        return Understood(self.question, {**self.slots, **slots})


def _read() -> Iterator[Question]:
    pieces: dict[str, str] = {}
    question = Question("", "", [], is_change=False)
    for line in (files(__package__) / "questions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            question.forms.append(re.sub(r"\$\w+", lambda name: pieces[name[0]], line.strip()))
        elif line.startswith("$"):
            name, _, piece = line.partition(" = ")
            pieces[name] = piece
        elif line and not line.startswith("#"):
            plan, _, example = line.partition(": ")
            question = Question(plan.removeprefix("!"), example, [], is_change=plan.startswith("!"))
            yield question


QUESTIONS = tuple(_read())
EXAMPLES = tuple(question.example for question in QUESTIONS if question.example)

_WORDS = WORDS_OF_SLOTS.union(*(words_of(form) for question in QUESTIONS for form in question.forms))


def understood(question: str, earlier: Sequence[str] = ()) -> Understood | None:
    """Return what a normalized question asks; None if the demo model does not understand it.

    `earlier` are the questions before, to which a short one such as "and in staging?" refers.
    """
    before = now = None
    for text in (*earlier[-_MOST_EARLIER:], question):
        now = _asked(text, before) or _mistyped(text, before)
        before = now or before
    return now


def _asked(text: str, before: Understood | None) -> Understood | None:
    return _in_full(text) or (_follow_up(text, before) if before else None)


def _mistyped(text: str, before: Understood | None) -> Understood | None:
    """Return what a question with typing mistakes asks. Nothing is changed on the strength of a correction."""
    meant = corrected(text, _WORDS, FUNCTION_WORDS)
    found = _asked(meant, before) if meant is not None else None
    return None if found is None or found.question.is_change else found


def _in_full(text: str) -> Understood | None:
    """Return what a question asks by its own words."""
    for question in QUESTIONS:
        for form in question.forms:
            slots = match(form, text)
            if slots is None or ("conditions" in slots and not conditions_of(slots["conditions"])):
                continue
            if "user" in slots:
                slots["kind"] = "user"
            elif "thing" in slots:
                slots[slots.get("kind", "project").replace(" ", "_")] = slots["thing"]
            return Understood(question, slots)
    return None


def _follow_up(text: str, before: Understood) -> Understood | None:
    """Return what a question asks that says only how it differs from the one before."""
    forms, slots = " ".join(before.question.forms), before.slots
    if before.question.is_change:
        return None
    if before.question.plan == "list_projects":
        return _other_projects(text, before)
    place, other = match(f"{_ASIDE} in {{environment}}", text), match(_OTHER, text) or {}
    if place and "{environment}" in forms:
        return before.with_slots(**place)
    for slot in ("project", "team", "user", "environment", "role", "query", "q"):
        if other and (slot in slots or (not slots and f"{{{slot}}}" in forms)):
            return before.with_slots(**{slot: other["name"]})
    return None


def _other_projects(text: str, before: Understood) -> Understood | None:
    """Return the question about projects with more conditions, or with another value in the last one."""
    said = before.slots.get("conditions", "")
    for form in (_NARROWER, f"{_ASIDE} {{conditions}}"):
        added = (match(form, text) or {}).get("conditions", "")
        conditions = conditions_of(added)
        if conditions and (form == _NARROWER or conditions[0].about != "any"):
            return before.with_slots(conditions=f"{said} and {added}" if said else added)
    other, old = match(_OTHER, text), conditions_of(said) or []
    if other and not old and "value" in before.slots:
        return before.with_slots(value=other["name"])
    if other and "value" not in before.slots and [len(each.values) for each in old] == [1]:
        return before.with_slots(conditions=said.replace(old[0].values[0], other["name"]))
    return None
