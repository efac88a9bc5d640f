"""The plan for the dependencies and dependents of a project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.demo_model.language import counted
from local.demo_model.lookups import PROJECT
from local.demo_model.markdown import cell, cut_notice
from local.demo_model.plan import CannotAnswer
from local.demo_model.tool_input import build_call
from local.demo_model.tool_results import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool import OfferedTool
    from local.demo_model.tool_results import Record

_INBOUND = re.compile(r"\bdepends? (?:up)?on\b(?=\s+\S)|\bdepend[ae]nts\b|\bused by\b", re.IGNORECASE)
_OUTBOUND = re.compile(
    r"\bdependenc(?:y|ies)\b|\b(?:does|do|did)\b.*\bdepend|\bon what\b|\bdepends? (?:up)?on\W*$", re.IGNORECASE
)


def show_dependencies(task: Task) -> Plan[str]:
    """Answer with a project's dependencies or dependents; with both if the question does not say which."""
    tool = _tool_for(task)
    found = yield from task.find(PROJECT)
    call = yield from build_call(task, tool, {name: found.record.get("id") for name in tool.needs})
    result = yield from task.call(call)
    name = f"**{task.pages.link(found.phrase, found.record, found.name)}**"
    text = task.question.text
    outbound, inbound = bool(_OUTBOUND.search(text)), bool(_INBOUND.search(text))
    parts = []
    if outbound or not inbound:
        parts.append(_dependencies(task, name, _related(result.records, "outbound")))
    if not outbound:
        parts.append(_dependents(task, name, _related(result.records, "inbound")))
    return "\n\n".join(parts) + cut_notice(result)


def _dependencies(task: Task, name: str, projects: Sequence[Record]) -> str:
    if not projects:
        return f"{name} depends on nothing, as far as I can see."
    return f"{name} depends on {counted(len(projects), 'project')}:\n\n{_list_of(task, projects)}"


def _dependents(task: Task, name: str, projects: Sequence[Record]) -> str:
    if not projects:
        return f"Nothing depends on {name}, as far as I can see."
    verb = "depends" if len(projects) == 1 else "depend"
    return f"{counted(len(projects), 'project')} {verb} on {name}:\n\n{_list_of(task, projects)}"


def _list_of(task: Task, projects: Sequence[Record]) -> str:
    return "\n".join(f"- {task.pages.link('project', project, cell(project))}{_kind(project)}" for project in projects)


def _kind(project: Record) -> str:
    kind = text_of(project.get("project_type"))
    return f" ({kind})" if kind else ""


def _related(records: Sequence[Record], direction: str) -> list[Record]:
    projects = [record.get("project") for record in records if record.get("direction") == direction]
    return [project for project in projects if isinstance(project, dict)]


def _tool_for(task: Task) -> OfferedTool:
    for tool in task.catalogue.tools:
        if tool.verb.only_reads and tool.noun == ("project", "depend") and len(tool.needs) == 1:
            return tool
    task.catalogue.note_needed("get project dependencies relationships")
    raise CannotAnswer("No tool that tells the dependencies of projects is offered to me.")
