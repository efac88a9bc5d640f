"""Plans about single things: owner, description, comparison, dependencies and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.kinds import ENVIRONMENT, PROJECT, TEAM, kind_named
from local.demo_model.markdown import HIDDEN, cell, cut_notice, fields, has_value, heading, table
from local.demo_model.plan import call_all
from local.demo_model.tool_results import parse_result, text_of
from local.demo_model.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

_MOST_RELEASES = 10


def owner(task: Task) -> Plan[str]:
    """Answer which team owns a project, and who its members are."""
    project = yield from task.find(PROJECT, task.slots.get("project"))
    team = project.get("team")
    if not isinstance(team, dict):
        return f"{task.link(PROJECT, project)} has no team in what I can see."
    scope = yield from task.scope(TEAM)
    result = yield from task.call("list_team_members", slug=text_of(team.get("slug")), **scope)
    people = ", ".join(f"{cell(member)} ({text_of(member.get('email'))})" for member in result.records)
    answer = f"{task.link(PROJECT, project)} is owned by the team {task.link(TEAM, team)}."
    return answer + (f"\n\nIts members are {people}." if people else "")


def describe(task: Task) -> Plan[str]:
    """Describe one thing: a project, if the question does not say the kind."""
    kind = kind_named(task.slots.get("single", "project"))
    found = yield from task.find(kind, task.slots.get("project"))
    result = yield from task.call(f"get_{kind.tool_noun}", **(yield from task.identity(kind, found)))
    record = {**found, **result.record}
    description = text_of(record.pop("description", ""))
    parts = (f"### {task.link(kind, found)}", description, fields(record))
    return "\n\n".join(part for part in parts if part)


def tell_field(task: Task) -> Plan[str]:
    """Answer with one field of a project."""
    project = yield from task.find(PROJECT, task.slots.get("project"))
    result = yield from task.call("get_project", **(yield from task.identity(PROJECT, project)))
    field = {"language": "programming_language", "type": "project_types"}.get(
        task.slots["field"].lower(), task.slots["field"].lower().replace(" ", "_")
    )
    value = {**project, **result.record}.get(field)
    if not has_value(value):
        return f"{task.link(PROJECT, project)} has no {heading(field).lower()}."
    return f"The {heading(field).lower()} of {task.link(PROJECT, project)} is **{cell(value)}**."


def compare(task: Task) -> Plan[str]:
    """Compare two projects in a table."""
    first = yield from task.find(PROJECT, task.slots["project"])
    second = yield from task.find(PROJECT, task.slots["other"])
    found = (first, second)
    scope = yield from task.scope(PROJECT)
    calls = [task.call_of("get_project", project_id=project.get("id"), **scope) for project in found]
    outcomes = yield from call_all(calls)
    records = [
        record if outcome.is_error else {**record, **parse_result(outcome.text).record}
        for record, outcome in zip(found, outcomes, strict=True)
    ]
    rows = []
    for key in dict.fromkeys(key for record in records for key in record):
        values = [record.get(key) for record in records]
        if key not in {"name", "slug", *HIDDEN} and any(map(has_value, values)):
            rows.append(f"| {heading(key)} | {' | '.join(map(cell, values))} |")
    heads = " | ".join(task.link(PROJECT, project) for project in found)
    return "\n".join([f"| | {heads} |", "| --- | --- | --- |", *rows])


def dependencies(task: Task) -> Plan[str]:
    """List the projects that a project depends on."""
    name, related = yield from _related(task, "outbound")
    if not related:
        return f"{name} depends on nothing, as far as I can see."
    return f"{name} depends on {counted(len(related), 'project')}:\n\n{_list_of(task, related)}"


def dependents(task: Task) -> Plan[str]:
    """List the projects that depend on a project."""
    name, related = yield from _related(task, "inbound")
    if not related:
        return f"Nothing depends on {name}, as far as I can see."
    verb = "depends" if len(related) == 1 else "depend"
    return f"{counted(len(related), 'project')} {verb} on {name}:\n\n{_list_of(task, related)}"


def project_releases(task: Task) -> Plan[str]:
    """List the releases of a project: those that run now, by environment, and the newest."""
    project = yield from task.find(PROJECT, task.slots.get("project"))
    key = yield from task.identity(PROJECT, project)
    environment = None
    if said := task.slots.get("environment"):
        environment = yield from task.find(ENVIRONMENT, said)
    running = [_running(record) for record in (yield from task.call("list_current_releases", **key)).records]
    if environment is not None:
        running = [row for row in running if row["environment"] == environment.get("name")]
        lead = f"Releases of {task.link(PROJECT, project)} in {cell(environment)}"
        return f"{lead}:\n\n{table(running, task.pages, 'release')}" if running else f"{lead}: none."
    parts = [f"Releases of {task.link(PROJECT, project)}"]
    parts += [f"Running now:\n\n{table(running, task.pages, 'release')}"] if running else []
    newest = (yield from task.call("list_releases", **key)).records[:_MOST_RELEASES]
    parts += [f"The newest:\n\n{table(newest, task.pages, 'release')}"] if newest else ["There are no releases yet."]
    return "\n\n".join(parts)


def latest_releases(task: Task) -> Plan[str]:
    """List the latest releases of all projects that run in some environment."""
    result = yield from task.listing(PROJECT)
    rows = [row for project in result.records for row in _current(project)]
    rows.sort(key=lambda row: text_of(row["deployed_at"]), reverse=True)
    lead = f"The latest of {counted(len(rows), 'current release')}:"
    return f"{lead}\n\n{table(rows[:_MOST_RELEASES], task.pages, 'project')}{cut_notice(result)}"


def _related(task: Task, direction: str) -> Plan[tuple[str, list[Record]]]:
    """Return a project's link, and the projects in a direction of its relationships."""
    project = yield from task.find(PROJECT, task.slots.get("project"))
    result = yield from task.call("get_project_relationships", **(yield from task.identity(PROJECT, project)))
    found = [record.get("project") for record in result.records if record.get("direction") == direction]
    return task.link(PROJECT, project), [related for related in found if isinstance(related, dict)]


def _list_of(task: Task, projects: Sequence[Record]) -> str:
    return "\n".join(f"- {task.pages.link('project', project, cell(project))}" for project in projects)


def _running(record: Record) -> Record:
    release = record.get("release")
    tag = (release.get("tag") or release.get("committish")) if isinstance(release, dict) else None
    environment = cell(record.get("environment"))
    return {
        "environment": environment,
        "tag": tag,
        "status": record.get("current_status"),
        "since": record.get("last_event_at"),
    }


def _current(project: Record) -> list[Record]:
    """Return the current releases of a project, one row per environment."""
    found = project.get("current_releases")
    return [
        {
            "name": project.get("name"),
            "id": project.get("id"),
            "tag": release.get("tag") or release.get("committish"),
            "environment": environment,
            "deployed_at": release.get("deployed_at"),
            "performed_by": release.get("performed_by"),
        }
        for environment, release in (found.items() if isinstance(found, dict) else ())
        if isinstance(release, dict) and release.get("deployed_at")
    ]
