"""Plans for lists of things: all of a kind, and projects by team, attribute or type."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local.demo_model.kinds import PROJECT, PROJECT_TYPE, TEAM, kind_named
from local.demo_model.markdown import MOST_ROWS, cell, cut_notice, table
from local.demo_model.plan import CannotAnswer
from local.demo_model.tool_results import name_of, text_of
from local.demo_model.wording import counted, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.kinds import Kind
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record, ToolResult

_FEW = 12
"""The highest count for which the answer also names the things."""


def list_kind(task: Task) -> Plan[str]:
    """List or count all things of a kind."""
    kind = kind_named(task.slots.get("kind", "projects"))
    result = yield from task.listing(kind)
    return _listed(task, kind, result.records) + cut_notice(result)


def organization_members(task: Task) -> Plan[str]:
    """List the members of the organization."""
    slug = yield from task.organization()
    result = yield from task.call("list_organization_members", slug=slug)
    return _listed(task, kind_named("organization member"), result.records)


def team_members(task: Task) -> Plan[str]:
    """List the members of a team."""
    team = yield from task.find(TEAM, task.slots.get("team"))
    organization = yield from task.organization()
    members = yield from task.call("list_team_members", org_slug=organization, slug=text_of(team.get("slug")))
    rows = table(members.records, task.pages, "user") if members.records else ""
    return f"The team {task.link(TEAM, team)} has {counted(len(members.records), 'member')}.\n\n{rows}".strip()


def projects_of_team(task: Task) -> Plan[str]:
    """List the projects that a team owns."""
    team = yield from task.find(TEAM, task.slots.get("team"))
    result = yield from task.listing(PROJECT)
    owned = [record for record in result.records if _slug(record.get("team")) == team.get("slug")]
    return _listed(task, PROJECT, owned, f"team is **{name_of(team)}**") + cut_notice(result)


def projects_of_type(task: Task) -> Plan[str]:
    """List the projects of a type."""
    kind = yield from task.find(PROJECT_TYPE, task.slots["name"])
    result = yield from task.listing(PROJECT, project_type=text_of(kind.get("slug")))
    return _listed(task, PROJECT, result.records, f"project type is **{name_of(kind)}**") + cut_notice(result)


def projects_with_value(task: Task) -> Plan[str]:
    """List the projects of which an attribute has a value, such as a language or a stage of life."""
    value = task.slots["value"]
    types = (yield from task.listing(PROJECT_TYPE, include_schema=True)).records
    attributes = _attributes(types)
    options = [(field, option) for field, allowed in attributes.items() for option in allowed]
    found = next((pair for pair in options if pair[1].lower() == value.lower()), None)
    if found is None and "framework" in attributes:
        found = yield from _used_framework(task, value)
    if found is None:
        known = ", ".join(option for _, option in options)
        raise CannotAnswer(f"I find no attribute of the projects with the value “{value}”. The values are {known}.")
    field, option = found
    result = yield from task.listing(PROJECT, filter=[f"{field}:eq:{option}"])
    reason = f"{field.replace('_', ' ')} is **{option}**"
    return _listed(task, PROJECT, result.records, reason) + cut_notice(result)


def projects_per_group(task: Task) -> Plan[str]:
    """Count the projects by team or by project type."""
    field, head = ("team", "Team") if task.slots.get("by", "team").lower() == "team" else ("project_types", "Type")
    result = yield from task.listing(PROJECT)
    counts = Counter(cell(record.get(field)) for record in result.records)
    rows = "\n".join(f"| {name} | {count} |" for name, count in counts.most_common())
    lead = f"{counted(len(result.records), 'project')}, by {head.lower()}:"
    return f"{lead}\n\n| {head} | Projects |\n| --- | --- |\n{rows}{cut_notice(result)}"


def projects_by_score(task: Task) -> Plan[str]:
    """List the projects with the highest or the lowest scores."""
    number = int(task.slots.get("number", "5"))
    order = task.slots["order"].lower()
    result = yield from task.listing(PROJECT)
    scored = [(float(str(record["score"])), record) for record in result.records if record.get("score") is not None]
    scored.sort(key=lambda pair: pair[0], reverse=order in {"highest", "best"})
    chosen = [record for _, record in scored[:number]]
    rows = table(chosen, task.pages, "project")
    return f"{counted(len(chosen), 'project')} with the {order} score:\n\n{rows}{cut_notice(result)}"


def _listed(task: Task, kind: Kind, records: Sequence[Record], reason: str = "") -> str:
    """Render a list, or a count if the question asks for one."""
    number = len(records)
    because = f" whose {reason}" if reason else ""
    if not number:
        return f"I found no {plural(kind.phrase)}{because}."
    lead = f"{counted(number, kind.phrase)}{because}"
    rows = table(records, task.pages, kind.phrase)
    if task.counts:
        return f"There {'is' if number == 1 else 'are'} {lead}." + (f"\n\n{rows}" if number <= _FEW else "")
    shown = f"{lead}, of which these are the first {MOST_ROWS}" if number > MOST_ROWS else lead
    return f"{shown}:\n\n{rows}"


def _used_framework(task: Task, value: str) -> Plan[tuple[str, str] | None]:
    """Return the framework of that name if a project uses it; its values are not fixed."""
    result: ToolResult = yield from task.listing(PROJECT, filter=[f"framework:eq:{value}"])
    return ("framework", value) if result.records else None


def _attributes(types: Sequence[Record]) -> dict[str, list[str]]:
    """Return the attributes of projects with the values that they may have; none if any."""
    found: dict[str, list[str]] = {}
    for record in types:
        schema = record.get("schema")
        for attribute in schema if isinstance(schema, list) else []:
            if isinstance(attribute, dict):
                allowed = attribute.get("enum")
                found[text_of(attribute.get("field"))] = list(map(str, allowed)) if isinstance(allowed, list) else []
    return found


def _slug(value: object) -> object:
    return value.get("slug") if isinstance(value, dict) else None
