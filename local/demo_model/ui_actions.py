"""Plans for the user interface: navigating to a page, and refreshing data after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.kinds import PROJECT, kind_named
from local.demo_model.plan import CannotAnswer, call_all
from local.demo_model.wording import plural

if TYPE_CHECKING:
    from local.demo_model.conversation import Call
    from local.demo_model.kinds import Kind
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

_NAVIGATE = "navigate_to"
_REFRESH = "refresh_data"


def go_to_page(task: Task) -> Plan[str]:
    """Navigate to a page of the UI."""
    page = task.slots["page"].lower()
    path = task.pages.section(kind_named(page).phrase) or task.pages.named(page)
    return (yield from _go(task, path))


def go_to_project(task: Task) -> Plan[str]:
    """Navigate to the page of a project."""
    project = yield from task.find(PROJECT, task.slots.get("project"))
    return (yield from _go(task, task.pages.path(PROJECT.phrase, project)))


def _go(task: Task, path: str | None) -> Plan[str]:
    if path is None:
        raise CannotAnswer("I know no page of the UI for that.")
    yield from task.call(_NAVIGATE, path=path)
    return f"Here it is: [{path}]({path})."


def refresh_and_navigate(task: Task, kind: Kind, record: Record, *, goes: bool) -> Plan[str]:
    """Refresh the changed data in the UI, and navigate to the page if `goes` is set."""
    calls: list[Call] = []
    resource = plural(kind.phrase).replace(" ", "_")
    if task.tools.has(_REFRESH) and resource in str(task.tools.offered[_REFRESH].input_schema):
        scope = yield from task.scope(kind)
        calls.append(task.call_of(_REFRESH, resource=resource, **scope))
    path = task.pages.path(kind.phrase, record) or task.pages.section(kind.phrase)
    if task.tools.has(_NAVIGATE) and goes and path:
        calls.append(task.call_of(_NAVIGATE, path=path))
    outcomes = (yield from call_all(calls)) if calls else []
    if any(outcome.call.name == _NAVIGATE and not outcome.is_error for outcome in outcomes):
        return f"I opened [{path}]({path}) for you."
    return "I could not show it to you in the UI." if goes else ""
