"""The plan for the latest releases of one project or of all projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.language import Verb, counted, plural, stems
from local.demo_model.lookups import PROJECT, call_best_tool
from local.demo_model.markdown import cell, cut_notice, table
from local.demo_model.plan import call_all
from local.demo_model.task import failure_of
from local.demo_model.tool_input import build_call
from local.demo_model.tool_results import parse_result, text_of

if TYPE_CHECKING:
    from local.demo_model.conversation import Call
    from local.demo_model.plan import Plan
    from local.demo_model.task import Subject, Task
    from local.demo_model.tool import OfferedTool
    from local.demo_model.tool_results import Record, ToolResult

USUAL = 10
"""The number of releases to show if the question gives none."""
MOST = 100


def releases(task: Task) -> Plan[str]:
    """List the latest releases of the project that the question names, or of all projects."""
    lister = task.catalogue.lister(PROJECT)
    if lister is None:
        return (yield from call_best_tool(task))
    found = yield from task.find_all(PROJECT)
    if found:
        return (yield from _of_project(task, found[0]))
    result = yield from task.listing(lister)
    current = [row for record in result.records for row in _current(record)]
    if not current:
        return (yield from call_best_tool(task))
    current = _in_environment(task, current)
    current.sort(key=lambda row: text_of(row["deployed_at"]), reverse=True)
    lead = f"The latest of {counted(len(current), 'current release')}:"
    return f"{lead}\n\n{table(current[: _limit(task)], task.pages, 'project')}{cut_notice(result)}"


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


def _in_environment(task: Task, rows: list[Record]) -> list[Record]:
    """Select the rows of the environments that the question names; if it names none, keep all rows."""
    asked = set(task.question.stems)
    named = [row for row in rows if set(stems(cell(row.get("environment")))) <= asked]
    return named or rows


def _of_project(task: Task, found: Subject) -> Plan[str]:
    """List the current releases of a project by environment, and all its releases."""
    nouns = (("current", "releas"), ("releas",))
    asked = [task.catalogue.acting(Verb.LIST, noun) for noun in nouns]
    tools = [tool for tool in asked if tool is not None and tool.needs == ["project_id"]]
    if not tools:
        return (yield from call_best_tool(task))
    calls: list[Call] = []
    for tool in tools:
        call = yield from build_call(task, tool, {"project_id": found.record.get("id")})
        calls.append(call)
    outcomes = yield from call_all(calls)
    name = f"**{task.pages.link(found.phrase, found.record, found.name)}**"
    parts = []
    for tool, outcome in zip(tools, outcomes, strict=True):
        if outcome.is_error:
            parts.append(f"I could not get the {plural(tool.phrase)}: {failure_of(outcome)}")
        elif rows := _rows(task, tool, parse_result(outcome.text)):
            head = "Running now" if tool.noun[0] == "current" else "All releases, newest first"
            parts.append(f"{head}:\n\n{rows}")
    return "\n\n".join([f"Releases of {name}", *parts]) if parts else f"{name} has no releases yet."


def _rows(task: Task, tool: OfferedTool, result: ToolResult) -> str:
    records = [_flat(record) for record in result.records if record.get("release", True)]
    records = _in_environment(task, records)
    return table(records[: _limit(task)], task.pages, tool.phrase) + cut_notice(result) if records else ""


def _flat(record: Record) -> Record:
    """Return a row with an environment and the tag of its current release."""
    release = record.get("release")
    if not isinstance(release, dict):
        return record
    environment = {"environment": record.get("environment"), "tag": release.get("tag") or release.get("committish")}
    return {**environment, "status": record.get("current_status"), "since": record.get("last_event_at")}


def _limit(task: Task) -> int:
    return next((int(number) for number in task.question.numbers if 0 < number <= MOST), USUAL)
