"""Conditions on blueprint-defined attributes: from a question's words to the `filter` parameter of a list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.demo_model.facets import is_negated
from local.demo_model.filling import fill
from local.demo_model.language import stems
from local.demo_model.plan import each
from local.demo_model.reading import read, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.question import Question
    from local.demo_model.reading import Record
    from local.demo_model.tools import Offer

MOST_GUESSES = 6
"""How many attributes without a fixed list of values are tried with a value that the question gives."""
_WORD = re.compile(r"[\w.#+-]*\w[#+]*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on an attribute."""

    field: str
    operator: str
    value: str = ""

    @property
    def as_filter(self) -> str:
        """In the form of the `filter` parameter."""
        return f"{self.field}:{self.operator}" + (f":{self.value}" if self.value else "")

    @property
    def explained(self) -> frozenset[str]:
        """The stems of a question that it stands for."""
        return frozenset(stems(f"{self.field} {self.value}"))

    def __str__(self) -> str:
        """Say it after "whose"."""
        said = {"eq": "is", "ne": "is not", "exists": "is set", "not_exists": "is not set"}[self.operator]
        return f"{self.field.replace('_', ' ')} {said}" + (f" **{self.value}**" if self.value else "")


def conditions(
    desk: Desk, offer: Offer, given: Mapping[str, JsonValue], unexplained: Collection[str]
) -> Plan[list[Condition]]:
    """The question's conditions, by the schemas that another tool lists; by trying, where these list no values."""
    describing = next((other for other in desk.catalogue.kinds if "include_schema" in other.properties), None)
    if describing is None and "filter" in offer.properties:
        desk.catalogue.want("list types with the schema of their attributes")
    if "filter" not in offer.properties or describing is None:
        return []
    call = yield from fill(desk, describing, {"include_schema": True})
    attributes = list(_attributes((yield from desk.read(call)).records))
    found = [condition for attribute in attributes if (condition := _asked(desk.question, attribute))]
    explained = {part for condition in found for part in condition.explained}
    value = _value(desk.question, [part for part in unexplained if part not in explained])
    open_fields = [text_of(attribute.get("field")) for attribute in attributes if _is_open(attribute)]
    if not value or not open_fields:
        return found
    return [*found, *(yield from _tried(desk, offer, given, [(field, value) for field in open_fields[:MOST_GUESSES]]))]


def _attributes(kinds: Sequence[Record]) -> Iterator[Record]:
    """Each attribute once, whatever number of kinds has it."""
    seen: set[str] = set()
    for kind in kinds:
        schema = kind.get("schema")
        for attribute in schema if isinstance(schema, list) else []:
            if isinstance(attribute, dict) and text_of(attribute.get("field")) not in seen:
                seen.add(text_of(attribute.get("field")))
                yield attribute


def _asked(question: Question, attribute: Record) -> Condition | None:
    """The condition on one attribute, if the question has one."""
    field = text_of(attribute.get("field"))
    allowed = attribute.get("enum")
    for value in allowed if isinstance(allowed, list) else []:
        if question.says(str(value)):
            return Condition(field, "ne" if is_negated(question, str(value)) else "eq", str(value))
    if not question.says(field):
        return None
    if attribute.get("type") == "boolean":
        return Condition(field, "eq", "false" if is_negated(question, field) else "true")
    if is_negated(question, field):
        return Condition(field, "not_exists")
    stated = question.stated(field)
    return Condition(field, "eq", stated) if stated and _is_open(attribute) else None


def _is_open(attribute: Record) -> bool:
    """Whether an attribute takes any text."""
    return attribute.get("type") == "string" and not attribute.get("enum") and not attribute.get("format")


def _value(question: Question, unexplained: Sequence[str]) -> str:
    """The words that no condition explains, as they were written, where they stand together."""
    kept = [word for word in _WORD.findall(question.text) if set(stems(word)) and set(stems(word)) <= set(unexplained)]
    value = " ".join(kept)
    return value if value and value in question.text and not value.islower() else ""


def _tried(
    desk: Desk, offer: Offer, given: Mapping[str, JsonValue], guesses: Sequence[tuple[str, str]]
) -> Plan[list[Condition]]:
    """Those of the guesses that something fulfils, asked side by side."""
    negated = is_negated(desk.question, guesses[0][1])
    tried = [Condition(field, "eq", value) for field, value in guesses]
    calls = []
    for condition in tried:
        call = yield from fill(desk, offer, {**given, "filter": [condition.as_filter]})
        calls.append(call)
    outcomes = yield from each(calls)
    return [
        Condition(condition.field, "ne", condition.value) if negated else condition
        for condition, outcome in zip(tried, outcomes, strict=True)
        if not outcome.is_error and read(outcome.text).records
    ][:1]
