"""Plans that change something, show the change in the UI, and take it back. The service asks before it lets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.answers import whole_subject
from local.demo_model.markdown import cell, fields, has_value
from local.demo_model.task import CannotAnswer
from local.demo_model.tool_results import RECEIPT, name_of, text_of, without_receipt
from local.demo_model.wording import plural
from local.slugs import slug_of
from shared.tools.builtin import NAVIGATE_TO, REFRESH_DATA, UNDO_CHANGE

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record
    from shared.domain.models import JsonObject

_POSSIBLE = ". To take it back: "
_CHANGING = ("create_", "patch_", "delete_", "archive_", "unarchive_", "add_", "remove_")
"""Beginnings of the names of the tools with which the demo model changes something."""
_IDENTITY = {"name", "slug", "organization", "description", "created_at"}
_FIELDS = {"language": "programming_language", "team": "team_slug"}
"""The fields that people call otherwise than a patch does."""


def create(task: Task) -> str:
    """Create a thing; a project has a team and a type."""
    kind, name = task.slots.get("new", "project"), task.slots.get("name")
    if name is None:
        rest = " for the checkout team of type http-api" if kind == "project" else ""
        return f'Please tell me the name too, as in *create a {kind} named "Night Watch"{rest}*.'
    tool, given = task.tools.name(f"create_{kind.replace(' ', '_')}"), {"name": name, "slug": slug_of(name)}
    types: JsonObject = {"project_type_slugs": [task.subject("project type").get("slug")]} if kind == "project" else {}
    record = {**given, **task.call(tool, **given, **types).record}
    details = fields({key: value for key, value in record.items() if key not in _IDENTITY})
    told = f"I created the {kind} {task.link(kind, record)} (`{cell(record.get('slug'))}`)."
    return _joined(told, details, _show(task, kind, record))


def change(task: Task) -> str:
    """Change a field of a thing, its name if the question does not say which, with a JSON Patch (RFC 6902)."""
    said, value, tool = task.slots.get("field", "name"), task.slots["to"], _tool(task, "patch")
    field = _FIELDS.get(said, said.replace(" ", "_"))
    found = whole_subject(task)
    if field == "team_slug":
        value = text_of(task.find("team", value).get("slug"))
    operation = "replace" if has_value(found.get(said)) else "add"
    operations: list[JsonValue] = [{"op": operation, "path": f"/{field}", "value": value}]
    after = {**found, field: value, **task.call(tool, operations=operations).record}
    shown = _show(task, task.kind, after)
    told = f"I changed the {said} of the {task.kind} {task.link(task.kind, after)}"
    told += f" from “{cell(found.get(said))}” to “{cell(after.get(said) or value)}”."
    slug = text_of(after.get("slug"))
    if field == "name" and slug and slug != slug_of(value):
        told += f" Its slug is still `{slug}`."
    return _joined(told, shown)


def delete(task: Task) -> str:
    """Delete a thing."""
    tool = _tool(task, "delete")
    found = task.subject(task.kind)
    task.call(tool)
    return _joined(f"The {task.kind} **{name_of(found)}** is deleted.", _show(task, task.kind, found, goes=False))


def archive(task: Task) -> str:
    """Archive a project, or take it out of the archive."""
    action = task.question.split()[0].lower()
    task.tools.name(f"{action}_project")
    found = task.find("project", task.slots.get("project"), include_archived=True)
    task.call(f"{action}_project", project_id=found.get("id"))
    _show(task, "project", found, goes=False)
    return f"The project {task.link('project', found)} is {action}d."


def change_members(task: Task) -> str:
    """Add a person to a team, or remove one from it."""
    is_added = task.question.lower().startswith("add")
    task.call("add_team_member" if is_added else "remove_team_member")
    told = "I added **{}** to the team {}." if is_added else "I removed **{}** from the team {}."
    return told.format(task.slots["email"], task.link("team", task.subject("team")))


def undo(task: Task) -> str:
    """Take back the newest change that has not been taken back yet."""
    outcomes = [outcome for turn in task.turns[:-1] for outcome in turn.outcomes]
    undone = {
        str(outcome.call.input.get("id"))
        for outcome in outcomes
        if outcome.call.name == UNDO_CHANGE and not outcome.is_error
    }
    for outcome in reversed(outcomes):
        receipt = RECEIPT.search(outcome.text)
        if receipt is None and outcome.call.name.startswith(_CHANGING) and not outcome.is_error:
            raise CannotAnswer(
                f"I cannot take back my last change: it has no receipt, because Imbi does not show what"
                f" `{outcome.call.name}` has changed."
            )
        if receipt is None or receipt["id"] in undone or outcome.call.name == UNDO_CHANGE:
            continue
        if _POSSIBLE not in receipt["change"]:
            raise CannotAnswer(f"I {receipt['change']}")
        return without_receipt(task.call(UNDO_CHANGE, id=receipt["id"]).text)
    raise CannotAnswer("I know of nothing in this conversation that could be undone.")


def go_to_page(task: Task) -> str:
    """Navigate to a page of the UI."""
    page = task.slots["page"]
    return _go(task, task.pages.named(page.removesuffix("s")) or task.pages.named(page))


def go_to_thing(task: Task) -> str:
    """Navigate to the page of a thing."""
    return _go(task, task.pages.path(task.kind, task.subject(task.kind)))


def _go(task: Task, path: str | None) -> str:
    if path is None:
        raise CannotAnswer("I know no page of the UI for that.")
    task.call(NAVIGATE_TO, path=path)
    return f"Here it is: [{path}]({path})."


def _show(task: Task, kind: str, record: Record, *, goes: bool = True) -> str:
    """Refresh the changed data in the UI, and navigate to the page if the question asks for that."""
    goes = goes and "go" in task.slots
    resource, path = plural(kind).replace(" ", "_"), task.pages.path(kind, record) or task.pages.named(kind)
    offered, calls = task.tools.offered, []
    if REFRESH_DATA in offered and resource in str(offered[REFRESH_DATA].input_schema):
        calls.append(task.call_of(REFRESH_DATA, resource=resource))
    if NAVIGATE_TO in offered and goes and path:
        calls.append(task.call_of(NAVIGATE_TO, path=path))
    shown = [outcome.call.name for outcome in task.outcomes(calls) if not outcome.is_error]
    if not goes:
        return ""
    return f"I opened [{path}]({path}) for you." if NAVIGATE_TO in shown else "I could not show it to you in the UI."


def _tool(task: Task, action: str) -> str:
    """Return the tool that does something to the thing of the question; a missing one is told before all else."""
    return task.tools.name(f"{action}_{task.kind.replace(' ', '_')}")


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
