"""Plans for the user interface: navigating to a page, and refreshing data after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.language import Verb, plural, stems
from local.demo_model.lookups import PROJECT
from local.demo_model.plan import CannotAnswer, call_all
from local.demo_model.tool import SCOPES
from local.demo_model.tool_input import enum_of

if TYPE_CHECKING:
    from local.demo_model.plan import Plan
    from local.demo_model.task import Subject, Task
    from local.demo_model.tool import Noun, OfferedTool


def navigate(task: Task) -> Plan[str]:
    """Navigate to the page of a thing or of a section."""
    tool = _navigator(task)
    if tool is None:
        raise CannotAnswer("I cannot take you there: no tool that navigates is offered to me.")
    path = yield from _destination(task)
    if path is None:
        raise CannotAnswer("I know no page of the UI for that.")
    yield from task.call(Call(tool.name, {"path": path}))
    return f"Here it is: [{path}]({path})."


def _destination(task: Task) -> Plan[str | None]:
    topics = set(task.question.topics) - {"page", "section"}
    for path in task.pages.plain:
        if topics and topics <= set(stems(path)) <= set(task.question.stems):
            return path
    nouns: list[Noun] = task.catalogue.mentioned(task.question.stems)
    named = {part for noun in nouns for part in noun}
    for noun in (nouns or [PROJECT]) if topics - named else []:
        lister = task.catalogue.lister(noun)
        found = (yield from task.find_all(noun)) if lister else []
        if found:
            return task.pages.path(found[0].phrase, found[0].record)
    for noun in nouns:
        lister = task.catalogue.lister(noun)
        if lister and (section := task.pages.section(lister.phrase)):
            return section
    return next((path for path in task.pages.plain if set(stems(path)) <= set(task.question.stems)), None)


def _navigator(task: Task) -> OfferedTool | None:
    return next(
        (tool for tool in task.catalogue.tools if tool.verb is Verb.NAVIGATE and "path" in tool.properties), None
    )


def _refresher(task: Task) -> OfferedTool | None:
    return next(
        (tool for tool in task.catalogue.tools if tool.verb is Verb.REFRESH and "resource" in tool.properties),
        None,
    )


def refresh_and_navigate(task: Task, found: Subject, call: Call, *, goes: bool) -> Plan[str]:
    """Refresh the changed data in the UI, and navigate to the page if `goes` is set."""
    calls: list[Call] = []
    refresher, navigator = _refresher(task), _navigator(task)
    resource = plural(found.phrase).replace(" ", "_")
    if refresher and resource in enum_of(refresher.properties["resource"]):
        scope = {name: call.input[name] for name in SCOPES & refresher.properties.keys() & call.input.keys()}
        calls.append(Call(refresher.name, {"resource": resource, **scope}))
    path = task.pages.path(found.phrase, found.record) or task.pages.section(found.phrase)
    if navigator and goes and path:
        calls.append(Call(navigator.name, {"path": path}))
    if not calls:
        return ""
    outcomes = yield from call_all(calls)
    went = any(
        outcome.call.name == (navigator.name if navigator else "") and not outcome.is_error for outcome in outcomes
    )
    if went:
        return f"I opened [{path}]({path}) for you."
    return "I could not show it to you in the UI." if goes else ""
