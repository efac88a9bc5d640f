"""Answers about many projects: those that fulfil conditions, and counts by team or type."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from local.demo_model.answers import listed
from local.demo_model.conditions import Condition, conditions_of
from local.demo_model.markdown import cell, cut_notice, has_value, heading
from local.demo_model.names import named
from local.demo_model.task import CannotAnswer, gathered
from local.demo_model.tool_results import name_of, text_of
from local.demo_model.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

_FIELDS = {"team": "team", "project type": "project_types", "environment": "environments"}
"""The fields of a project that refer to things of other kinds."""
_LISTED = {**_FIELDS, "environments": "environments", "release": "current_releases", "releases": "current_releases"}
"""What the list of projects has of each, besides the attributes that blueprints define."""
_SOFTWARE = ("programming_language", "framework", "engine", "orchestration")
_MOST_RANKED = 5


def list_projects(task: Task) -> str:
    """List or count the projects that fulfil the conditions of a question."""
    adjective = [Condition("any", {"values": task.slots["value"]})] if "value" in task.slots else []
    conditions = adjective + (conditions_of(task.slots.get("conditions", "")) or [])
    archived = any(value.lower() == "archived" for each in conditions for value in each.values)
    result = task.call("list_projects", include_archived=archived or None)
    records, reasons = result.records, []
    filters = [condition for condition in conditions if condition.about != "rank"]
    found = gathered([partial(_fitting, task, condition, records) for condition in filters])
    for condition, (fitting, reason) in zip(filters, found, strict=True):
        ids = {record.get("id") for record in fitting}
        records = [record for record in records if (record.get("id") in ids) != condition.is_negated]
        reasons.append(reason)
    best = "top" in task.slots or any("best" in condition.slots for condition in conditions)
    if best or any(condition.about == "rank" for condition in conditions):
        number = 1 if "one" in task.slots else int(task.slots.get("number", _MOST_RANKED))
        records = _ranked(records, best_first=best)[:number]
        reasons.append(f"with the {'highest' if best else 'lowest'} score")
    elif "number" in task.slots:
        raise CannotAnswer("I can choose a number of projects only by the highest or the lowest score.")
    return listed(task, records, "project", f" {', '.join(reasons)}".rstrip()) + cut_notice(result)


def count_projects(task: Task) -> str:
    """Count the projects by team or by type."""
    field, head = ("team", "Team") if task.slots.get("by", "team") == "team" else ("project_types", "Type")
    result = task.call("list_projects")
    counts = Counter(cell(record.get(field)) for record in result.records)
    rows = "\n".join(f"| {name} | {count} |" for name, count in counts.most_common())
    lead = f"{counted(len(result.records), 'project')}, by {head.lower()}:"
    return f"{lead}\n\n| {head} | Projects |\n| --- | --- |\n{rows}{cut_notice(result)}"


def _ranked(records: Sequence[Record], *, best_first: bool = True) -> list[Record]:
    """Return the projects that have a score, by the score."""
    scored = [record for record in records if record.get("score") is not None]
    return sorted(scored, key=_score, reverse=best_first)


def _score(record: Record) -> float:
    return float(str(record["score"]))


def _fitting(task: Task, condition: Condition, records: Sequence[Record]) -> tuple[list[Record], str]:
    """Return the projects that fulfil a condition without its negation, and the whole condition in words."""
    if condition.about == "score":
        bound, is_above = int(condition.slots["number"]), "above" in condition.slots
        fitting = [each for each in _ranked(records) if (_score(each) > bound if is_above else _score(each) < bound)]
        return fitting, f"with a score {'above' if is_above else 'below'} **{bound}**"
    if condition.about == "attribute":
        return _with_attribute(task, condition, records)
    meanings = [_meaning(task, condition.about, value, records) for value in condition.values]
    fitting = [record for field, value in meanings for record in _with_value(task, field, value, records)]
    shown = " or ".join(f"**{value if isinstance(value, str) else name_of(value)}**" for _, value in meanings)
    is_or_not = "is not" if condition.is_negated else "is"
    kind = next((kind for kind, field in _FIELDS.items() if field == meanings[0][0]), heading(meanings[0][0]).lower())
    return fitting, f"whose {kind} {is_or_not} {shown}"


def _meaning(task: Task, about: str, said: str, records: Sequence[Record]) -> tuple[str, Record | str]:
    """Return the field that a word is a value of, and the value: a record, or the text of an attribute.

    Raises:
        CannotAnswer: it is no value of what the condition is about.
    """
    value = said.removesuffix("'s").removesuffix("'")
    if about in _FIELDS:
        return _FIELDS[about], task.find(about, value)
    if value.lower() == "archived":
        return "status", "archived"
    attributes = _attributes(task)
    options = [
        (field, option)
        for field, (_, allowed) in attributes.items()
        for option in allowed
        if about == "any" or field in _SOFTWARE
    ]
    for field, option in options:
        if option.lower() == value.lower():
            return field, option
    for kind, field in _FIELDS.items() if about == "any" else ():
        things = [thing for record in records for thing in _things(record.get(field))]
        if found := named(list({thing.get("slug"): thing for thing in things}.values()), value, kind):
            return field, found
    if "framework" in attributes and _with_value(task, "framework", value, ()):
        return "framework", value
    known = ", ".join(option for _, option in options)
    raise CannotAnswer(
        f"I find no attribute of the projects with the value “{value}”. The values are {known}, and the names of"
        " frameworks as they are written, such as FastAPI."
    )


def _with_value(task: Task, field: str, value: Record | str, records: Sequence[Record]) -> list[Record]:
    """Return the projects of which a field has a value."""
    if isinstance(value, dict):
        slugs = [[thing.get("slug") for thing in _things(record.get(field))] for record in records]
        return [record for record, found in zip(records, slugs, strict=True) if value.get("slug") in found]
    if value == "archived":
        return [record for record in records if record.get("archived")]
    test = f"{field}:in:{value},{value.title()}"
    return task.call("list_projects", include_archived=True, filter=[test]).records


def _with_attribute(task: Task, condition: Condition, records: Sequence[Record]) -> tuple[list[Record], str]:
    """Return the projects of which an attribute is set, and if it can only be true or false, is true."""
    said = condition.slots["attribute"].lower().replace("-", " ")
    reason = f"{'without' if condition.is_negated else 'with'} **{said}**"
    if said in _LISTED:
        return [record for record in records if has_value(record.get(_LISTED[said]))], reason
    attributes = _attributes(task)
    for field, (kind, _) in attributes.items():
        if field.removeprefix("has_").replace("_", " ") in {said, said.removesuffix("s")}:
            test = f"{field}:eq:true" if kind == "boolean" else f"{field}:exists"
            return task.call("list_projects", include_archived=True, filter=[test]).records, reason
    known = ", ".join(heading(field.removeprefix("has_")).lower() for field in attributes)
    raise CannotAnswer(f"I know no attribute of projects named “{said}”. The attributes are {known}.")


def _attributes(task: Task) -> dict[str, tuple[str, list[str]]]:
    """Return the attributes of projects: the type of each, and the values that it may have if these are fixed."""
    schemas = [record.get("schema") for record in task.call("list_project_types", include_schema=True).records]
    rows = [row for schema in schemas if isinstance(schema, list) for row in schema if isinstance(row, dict)]
    return {text_of(row.get("field")): (text_of(row.get("type")), _texts(row.get("enum"))) for row in rows}


def _texts(value: JsonValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _things(value: JsonValue) -> list[Record]:
    """Return the things that a field refers to, which has one or a list of them."""
    return [thing for thing in (value if isinstance(value, list) else [value]) if isinstance(thing, dict)]
