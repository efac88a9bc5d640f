"""Plans that change something, show the change in the UI, and take it back. The service asks before it lets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.kinds import PROJECT, PROJECT_TYPE, TEAM, kind_named
from local.demo_model.markdown import cell, fields, has_value
from local.demo_model.plan import CannotAnswer, call_one
from local.demo_model.tool_results import RECEIPT, name_of, text_of, without_receipt
from local.demo_model.ui_actions import refresh_and_navigate
from local.demo_model.wording import slug_of

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.kinds import Kind
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

UNDO_CHANGE = "undo_change"
_POSSIBLE = ". To take it back: "
_IDENTITY = {"name", "slug", "organization", "description", "created_at"}


def create(task: Task) -> Plan[str]:
    """Create a team, an environment, a tag or a project type."""
    return (yield from _create(task, kind_named(task.slots["new"]), {}))


def create_project(task: Task) -> Plan[str]:
    """Create a project of a team."""
    task.tools.name("create_project")
    team = yield from task.find(TEAM, task.slots.get("team"))
    kind = yield from task.find(PROJECT_TYPE, task.slots["other"])
    given: dict[str, JsonValue] = {"team_slug": team.get("slug"), "project_type_slugs": [kind.get("slug")]}
    return (yield from _create(task, PROJECT, given))


def ask_for_name(task: Task) -> Plan[str]:
    """Ask for what a creation lacks."""
    kind = task.slots.get("new", "project")
    rest = " for the checkout team of type http-api" if kind == "project" else ""
    yield from ()
    return f'Please tell me the name too, as in *create a {kind} named "Night Watch"{rest}*.'


def rename(task: Task) -> Plan[str]:
    """Change the name of a thing."""
    return (yield from _change(task, "name", task.slots["name"]))


def set_field(task: Task) -> Plan[str]:
    """Change a field of a thing."""
    field = {"language": "programming_language"}.get(task.slots["field"].lower(), task.slots["field"].lower())
    return (yield from _change(task, field.replace(" ", "_"), task.slots["name"]))


def delete(task: Task) -> Plan[str]:
    """Delete a thing."""
    kind, found = yield from _subject(task, "delete")
    call = task.call_of(f"delete_{kind.tool_noun}", **(yield from task.identity(kind, found)))
    yield from call_one(call)
    shown = yield from refresh_and_navigate(task, kind, found, goes=False)
    return "\n\n".join(part for part in (f"The {kind.phrase} **{name_of(found)}** is deleted.", shown) if part)


def archive(task: Task) -> Plan[str]:
    """Archive a project, or take it out of the archive."""
    action = task.question.split()[0].lower()
    task.tools.name(f"{action}_project")
    found = yield from task.find(PROJECT, task.slots.get("project"))
    yield from task.call(f"{action}_project", **(yield from task.identity(PROJECT, found)))
    yield from refresh_and_navigate(task, PROJECT, found, goes=False)
    return f"The project {task.link(PROJECT, found)} is {action}d."


def add_member(task: Task) -> Plan[str]:
    """Add a person to a team."""
    task.tools.name("add_team_member")
    team = yield from task.find(TEAM, task.slots.get("team"))
    email = task.slots["email"]
    yield from task.call("add_team_member", **(yield from task.identity(TEAM, team)), email=email)
    return f"I added **{email}** to the team {task.link(TEAM, team)}."


def undo(task: Task) -> Plan[str]:
    """Take back the newest change that has not been taken back yet."""
    outcomes = [outcome for turn in task.earlier for outcome in turn.outcomes]
    undone = {
        str(outcome.call.input.get("id"))
        for outcome in outcomes
        if outcome.call.name == UNDO_CHANGE and not outcome.is_error
    }
    for outcome in reversed(outcomes):
        receipt = RECEIPT.search(outcome.text)
        if receipt is None or receipt["id"] in undone or outcome.call.name == UNDO_CHANGE:
            continue
        if _POSSIBLE not in receipt["change"]:
            raise CannotAnswer(f"I {receipt['change']}")
        result = yield from call_one(Call(UNDO_CHANGE, {"id": receipt["id"]}))
        return without_receipt(result.text)
    raise CannotAnswer("I have changed nothing in this conversation that could be undone.")


def _create(task: Task, kind: Kind, given: dict[str, JsonValue]) -> Plan[str]:
    task.tools.name(f"create_{kind.tool_noun}")
    name = task.slots["name"]
    scope = yield from task.scope(kind)
    made = (yield from task.call(f"create_{kind.tool_noun}", **scope, name=name, slug=slug_of(name), **given)).record
    record = {"name": name, "slug": slug_of(name), **made}
    shown = yield from refresh_and_navigate(task, kind, record, goes="go" in task.slots)
    details = fields({key: value for key, value in record.items() if key not in _IDENTITY})
    told = f"I created the {kind.phrase} {task.link(kind, record)} (`{cell(record.get('slug'))}`)."
    return "\n\n".join(part for part in (told, details, shown) if part)


def _change(task: Task, field: str, value: str) -> Plan[str]:
    """Change a field with a JSON Patch (RFC 6902)."""
    kind, found = yield from _subject(task, "patch")
    operation = "replace" if has_value(found.get(field)) else "add"
    operations: list[JsonValue] = [{"op": operation, "path": f"/{field}", "value": value}]
    key = yield from task.identity(kind, found)
    changed = (yield from task.call(f"patch_{kind.tool_noun}", **key, operations=operations)).record
    after = {**found, field: value, **changed}
    shown = yield from refresh_and_navigate(task, kind, after, goes="go" in task.slots)
    told = f"I changed the {field.replace('_', ' ')} of the {kind.phrase} {task.link(kind, after)}"
    told += f" from “{cell(found.get(field))}” to “{cell(after.get(field))}”."
    slug = text_of(after.get("slug"))
    if field == "name" and slug and slug != slug_of(value):
        told += f" Its slug is still `{slug}`."
    return "\n\n".join(part for part in (told, shown) if part)


def _subject(task: Task, action: str) -> Plan[tuple[Kind, Record]]:
    """Find the thing that is to be changed: a project, if the question does not say the kind."""
    kind = kind_named(task.slots.get("single", "project"))
    task.tools.name(f"{action}_{kind.tool_noun}")
    found = yield from task.find(kind, task.slots.get("project"))
    return kind, found
