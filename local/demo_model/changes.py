"""Plans that change something (create, rename, set, delete, archive) and then show the change in the UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.language import FILLER, VERBS, Verb, plural, slug_of, stem, stems, words
from local.demo_model.lookups import PROJECT
from local.demo_model.markdown import any_result, cell, fields
from local.demo_model.plan import CannotAnswer
from local.demo_model.task import Subject
from local.demo_model.tool import SCOPES
from local.demo_model.tool_input import build_call, enum_of, schema_type
from local.demo_model.tool_results import text_of
from local.demo_model.ui_actions import refresh_and_navigate

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.conversation import Call
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool import OfferedTool
    from local.demo_model.tool_results import Record

CONFIRM = "Shall I really delete"
"""The beginning of the question that is asked before a deletion."""
UNPERMITTED = "you may lack the permission"
"""A possible reason why a tool is missing."""
_IDENTITY = {"name", "slug", "organization"}


def create(task: Task) -> Plan[str]:
    """Create a thing of the kind that the question names, and show it in the UI."""
    tool = _tool_for(task, Verb.CREATE)
    call = yield from build_call(task, tool, _names(task, tool))
    made = (yield from task.call(call)).record
    found = Subject(made if "name" in made else _sent(call), tool.phrase)
    shown = yield from refresh_and_navigate(task, found, call, goes=task.question.goes)
    details = fields({key: value for key, value in found.record.items() if key not in _IDENTITY | {"created_at"}})
    answer = f"I created the {tool.phrase} **{task.pages.link(tool.phrase, found.record, found.name)}**"
    answer += f" (`{cell(found.record.get('slug'))}`)." if found.record.get("slug") else "."
    return "\n\n".join(part for part in (answer, details, shown) if part)


def change(task: Task) -> Plan[str]:
    """Change the value of a thing's field."""
    wanted = task.question.change
    if wanted is None:
        raise CannotAnswer('Tell me what to change as in *rename X to Y*, or *set the description of X to "…"*.')
    nouns = task.catalogue.mentioned(stems(wanted.what)) or [PROJECT]
    tool = task.catalogue.acting(Verb.UPDATE, nouns[0])
    if tool is None:
        raise CannotAnswer(f"No tool that changes a {' '.join(nouns[0])} is offered to me; {UNPERMITTED}.")
    found = yield from task.find(nouns[0], None if task.question.refers_back and not wanted.what else wanted.what)
    field = "_".join(words(wanted.field))
    given = _identifiers(tool, found)
    given |= _patch(tool, field, wanted.value, found.record)
    call = yield from build_call(task, tool, given)
    changed = (yield from task.call(call)).record
    after = Subject({**found.record, field: wanted.value, **changed}, found.phrase)
    shown = yield from refresh_and_navigate(task, after, call, goes=task.question.goes)
    before = cell(found.record.get(field))
    link = task.pages.link(found.phrase, after.record, after.name)
    told = f"I changed the {wanted.field} of the {found.phrase} **{link}**"
    told += f" from “{before}” to “{cell(after.record.get(field))}”."
    slug = text_of(after.record.get("slug"))
    if field == "name" and slug and slug != slug_of(wanted.value):
        told += f" Its slug is still `{slug}`."
    return "\n\n".join(part for part in (told, shown) if part)


def delete(task: Task) -> Plan[str]:
    """Ask for confirmation before deleting something."""
    tool = _tool_for(task, Verb.DELETE)
    found = yield from task.find(tool.noun)
    return f"{CONFIRM} the {tool.phrase} **{found.name}**? Say *yes* and I will."


def confirmed(task: Task) -> Plan[str]:
    """Delete the thing after the user confirmed it."""
    tool = _tool_for(task, Verb.DELETE)
    found = yield from task.find(tool.noun)
    call = yield from build_call(task, tool, _identifiers(tool, found))
    yield from task.call(call)
    shown = yield from refresh_and_navigate(task, found, call, goes=False)
    told = f"The {tool.phrase} **{found.name}** is deleted."
    return "\n\n".join(part for part in (told, shown) if part)


def add_member(task: Task) -> Plan[str]:
    """Add a person to a team."""
    tool = next(
        (tool for tool in task.catalogue.tools if tool.verb is Verb.CREATE and tool.noun[-1:] == ("member",)), None
    )
    if tool is None:
        task.catalogue.note_needed("add team member")
        raise CannotAnswer("No tool that adds members is offered to me.")
    if not task.question.emails:
        raise CannotAnswer("Tell me the **e-mail address** of the person to add.")
    email = task.question.emails[0]
    body: dict[str, JsonValue] = {
        name: {"email": email} for name in tool.required if schema_type(tool.properties[name]) == "object"
    }
    call = yield from build_call(task, tool, body)
    yield from task.call(call)
    team = next((cell(call.input[name]) for name in tool.needs if name.endswith("slug")), "team")
    return f"I added **{email}** to **{team}**."


def act(task: Task) -> Plan[str]:
    """Call the changing tool whose name has the question's verb."""
    ranked = task.catalogue.ranked(task.question)
    tool = next((tool for _, tool in ranked if not tool.verb.only_reads), None)
    if tool is None:
        raise CannotAnswer(f"No tool that does that is offered to me; {UNPERMITTED}.")
    call = yield from build_call(task, tool)
    result = yield from task.call(call)
    shown = yield from refresh_and_navigate(task, Subject(result.record, tool.phrase), call, goes=False)
    parts = (f"Done (`{tool.name}`).", any_result(result, task.pages, tool.phrase) if result.value else "", shown)
    return "\n\n".join(part for part in parts if part)


def _tool_for(task: Task, verb: Verb) -> OfferedTool:
    """Return the tool with this verb for the kind of thing that the question names."""
    able = {tool.noun: tool for tool in reversed(task.catalogue.tools) if tool.verb is verb and tool.noun}
    task.catalogue.note_needed(f"{verb.value} {_kind_named(task)}".strip())
    before_name = task.question.text.split(task.question.name or "\0")[0]
    for text in (before_name, task.question.text):
        if named := task.catalogue.mentioned(stems(text), able):
            return able[named[0]]
    if verb is Verb.DELETE and PROJECT in able:
        return able[PROJECT]
    kinds = ", ".join(sorted({plural(tool.phrase) for tool in able.values()})[:20])
    if not kinds:
        raise CannotAnswer(f"No tool to {verb.value} things with is offered to me; {UNPERMITTED}.")
    raise CannotAnswer(f"With the tools that I am offered I can {verb.value} {kinds}.")


def _kind_named(task: Task) -> str:
    """Return the words before the name, which say what kind of thing it is."""
    before = task.question.text.split(task.question.name or "\0")[0]
    return " ".join(
        word for word in words(before) if word not in FILLER and stem(word) not in VERBS and word != "named"
    )


def _names(task: Task, tool: OfferedTool) -> dict[str, JsonValue]:
    """Return the values that the question states for the fields of a new thing."""
    given: dict[str, JsonValue] = {}
    for name, schema in tool.properties.items():
        is_text = schema_type(schema) == "string" and not enum_of(schema)
        is_optional = name == "slug" or name not in {"name", *tool.required, *SCOPES}
        if is_text and is_optional and (stated := task.question.stated(name)):
            given[name] = stated
    return given


def _sent(call: Call) -> Record:
    data = next((value for value in call.input.values() if isinstance(value, dict) and "name" in value), call.input)
    return {key: value for key, value in data.items() if key not in SCOPES}


def _identifiers(tool: OfferedTool, found: Subject) -> dict[str, JsonValue]:
    """Return the identifier of a thing as input for the tool that changes it."""
    needs = [name for name in tool.needs if words(name)[-1] in {"id", "slug", "email"}]
    return {name: found.record.get(words(name)[-1]) for name in needs[:1]}


def _patch(tool: OfferedTool, field: str, value: str, record: Record) -> dict[str, JsonValue]:
    """Return the change in the form that the tool takes: a parameter, or a JSON Patch (RFC 6902)."""
    if field in tool.properties and field not in tool.required:
        return {field: value}
    for name, schema in tool.properties.items():
        if schema_type(schema) == "array" and "op" in str(schema) and "path" in str(schema):
            return {name: [{"op": "replace" if field in record else "add", "path": f"/{field}", "value": value}]}
    raise CannotAnswer(f"`{tool.name}` takes no {field}.")
