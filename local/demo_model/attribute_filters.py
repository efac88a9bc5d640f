"""Turns conditions in a question into the `filter` parameter of a list, by the schemas of the attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.demo_model.language import stems
from local.demo_model.plan import call_all
from local.demo_model.record_filters import is_negated
from local.demo_model.tool_input import build_call
from local.demo_model.tool_results import parse_result, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.plan import Plan
    from local.demo_model.question import Question
    from local.demo_model.task import Task
    from local.demo_model.tool import OfferedTool
    from local.demo_model.tool_results import Record

MOST_GUESSES = 6
"""The highest number of attributes without fixed values that are tried with a value from the question."""
_WORD = re.compile(r"[\w.#+-]*\w[#+]*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on an attribute."""

    field: str
    operator: str
    value: str = ""

    @property
    def as_filter(self) -> str:
        """The condition in the form of the `filter` parameter."""
        return f"{self.field}:{self.operator}" + (f":{self.value}" if self.value else "")

    @property
    def explained(self) -> frozenset[str]:
        """The stems of the question that the condition explains."""
        return frozenset(stems(f"{self.field} {self.value}"))

    def __str__(self) -> str:
        """Return the condition as a phrase that follows "whose"."""
        said = {"eq": "is", "ne": "is not", "exists": "is set", "not_exists": "is not set"}[self.operator]
        return f"{self.field.replace('_', ' ')} {said}" + (f" **{self.value}**" if self.value else "")


def conditions(
    task: Task, tool: OfferedTool, given: Mapping[str, JsonValue], unexplained: Collection[str]
) -> Plan[list[Condition]]:
    """Find the question's conditions by the attributes' schemas; attributes without fixed values are tried out."""
    describing = next((other for other in task.catalogue.kinds if "include_schema" in other.properties), None)
    if describing is None and "filter" in tool.properties:
        task.catalogue.note_needed("list types with the schema of their attributes")
    if "filter" not in tool.properties or describing is None:
        return []
    call = yield from build_call(task, describing, {"include_schema": True})
    attributes = list(_attributes((yield from task.call(call)).records))
    found = [condition for attribute in attributes if (condition := _asked(task.question, attribute))]
    explained = {part for condition in found for part in condition.explained}
    value = _value(task.question, [part for part in unexplained if part not in explained])
    open_fields = [text_of(attribute.get("field")) for attribute in attributes if _is_open(attribute)]
    if not value or not open_fields:
        return found
    return [*found, *(yield from _tried(task, tool, given, [(field, value) for field in open_fields[:MOST_GUESSES]]))]


def _attributes(kinds: Sequence[Record]) -> Iterator[Record]:
    """Yield each attribute once, even if several kinds have it."""
    seen: set[str] = set()
    for kind in kinds:
        schema = kind.get("schema")
        for attribute in schema if isinstance(schema, list) else []:
            if isinstance(attribute, dict) and text_of(attribute.get("field")) not in seen:
                seen.add(text_of(attribute.get("field")))
                yield attribute


def _asked(question: Question, attribute: Record) -> Condition | None:
    """Return the question's condition on an attribute, if it has one."""
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
    """Return whether an attribute takes any text."""
    return attribute.get("type") == "string" and not attribute.get("enum") and not attribute.get("format")


def _value(question: Question, unexplained: Sequence[str]) -> str:
    """Return the adjacent words that no condition explains, as they were written."""
    kept = [word for word in _WORD.findall(question.text) if set(stems(word)) and set(stems(word)) <= set(unexplained)]
    value = " ".join(kept)
    return value if value and value in question.text and not value.islower() else ""


def _tried(
    task: Task, tool: OfferedTool, given: Mapping[str, JsonValue], guesses: Sequence[tuple[str, str]]
) -> Plan[list[Condition]]:
    """Return the first guess, a field and a value, that some record fulfils; the guesses are tried in parallel."""
    negated = is_negated(task.question, guesses[0][1])
    tried = [Condition(field, "eq", value) for field, value in guesses]
    calls = []
    for condition in tried:
        call = yield from build_call(task, tool, {**given, "filter": [condition.as_filter]})
        calls.append(call)
    outcomes = yield from call_all(calls)
    return [
        Condition(condition.field, "ne", condition.value) if negated else condition
        for condition, outcome in zip(tried, outcomes, strict=True)
        if not outcome.is_error and parse_result(outcome.text).records
    ][:1]
