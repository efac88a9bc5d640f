"""Builds a tool's input from the question's literals, the tool's schema and things found with other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.language import FILLER, VERBS, slug_of, stem, stems, words
from local.demo_model.plan import CannotAnswer
from local.demo_model.tool import SCOPES
from local.demo_model.tool_results import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool import Noun, OfferedTool
    from local.demo_model.tool_results import Record

IDENTIFIERS = ("id", "slug", "email", "key", "name")
"""Endings of the names of parameters that identify a thing."""
TEXTS = frozenset({"q", "query", "text", "message", "search", "question", "prompt", "content", "input", "keywords"})
"""Parameters that take free text."""
FEW = 12
"""The number of entries to ask for if the question wants the latest and gives no number."""
_RECENT = frozenset({"recent", "recently", "last", "lately", "latest", "newest", "happened", "new"})
_NOUNS: Mapping[str, Noun] = {
    "env": ("environment",),
    "type": ("project", "type"),
    "sa": ("servic", "account"),
    "target": ("project",),
}
"""Kinds of things with a short name in parameters."""
_PEOPLE = frozenset({"performed_by", "attributed_to", "author", "user", "uploaded_by"})
"""Parameters that take a person's e-mail address."""


def build_call(task: Task, tool: OfferedTool, given: Mapping[str, JsonValue] | None = None) -> Plan[Call]:
    """Build a tool's call with all required parameters, and the optional ones that the question gives.

    Raises:
        CannotAnswer: the question lacks a required value, or names a thing that does not exist.
    """
    values: dict[str, JsonValue] = dict(given or {})
    for name in tool.required:
        if name not in values:
            values[name] = yield from _value(task, tool, name)
    for name, schema in tool.properties.items():
        if name not in values and (literal := _optional(task, name, schema)) is not None:
            values[name] = literal
    return Call(tool.name, values)


def schema_type(schema: Record) -> str:
    """Return the JSON type of a schema; of a nullable one, the type besides null."""
    variants = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(variants, list):
        kinds = [schema_type(variant) for variant in variants if isinstance(variant, dict)]
        return next((kind for kind in kinds if kind != "null"), "")
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((text for text in map(text_of, kind) if text and text != "null"), "")
    return text_of(kind)


def enum_of(schema: Record) -> list[str]:
    """Return the string values that a schema allows, also inside a nullable one."""
    allowed = schema.get("enum")
    if isinstance(allowed, list):
        return [value for value in allowed if isinstance(value, str)]
    variants = schema.get("anyOf") or schema.get("oneOf") or []
    parts = variants if isinstance(variants, list) else []
    return [value for part in parts if isinstance(part, dict) for value in enum_of(part)]


def _value(task: Task, tool: OfferedTool, name: str) -> Plan[JsonValue]:
    """Find the value of a required parameter."""
    schema = tool.properties[name]
    if name in SCOPES:
        return (yield from task.organization())
    literal = _literal(task, name, schema)
    if literal is not None:
        return literal
    noun = noun_of(task, tool, name)
    if noun is not None and not _names_new(tool, name):
        found = yield from task.find(noun)
        value = identifier(name, found.record)
        return [value] if schema_type(schema) == "array" else value
    return _from_words(task, tool, name)


def identifier(name: str, record: Record) -> str:
    """Return the id, slug or email of a thing, whichever the parameter takes."""
    wanted = "email" if name in _PEOPLE or name.endswith("email") else "id" if name.endswith("id") else "slug"
    return text_of(record.get(wanted)) or text_of(record.get("slug"))


def noun_of(task: Task, tool: OfferedTool, name: str) -> Noun | None:
    """Return the kind of thing that a parameter identifies, if a tool lists it."""
    if name in _PEOPLE:
        return ("user",)
    parts = words(name)
    if not parts or stem(parts[-1]) not in IDENTIFIERS:
        return None
    kind = parts[:-1]
    if kind:
        noun = _NOUNS.get("_".join(kind), tuple(stem(part) for part in kind))
        return noun if task.catalogue.may_list(noun) else None
    for width in range(len(tool.noun), 0, -1):
        noun = tool.noun[:width]
        if task.catalogue.may_list(noun) and task.catalogue.listing(noun) is not tool:
            return noun
    return None


def _names_new(tool: OfferedTool, name: str) -> bool:
    """Return whether a parameter names a thing that the tool creates."""
    return tool.action in {"creat", "regist"} and name in {"name", "slug", "id", "key"}


def _literal(task: Task, name: str, schema: Record) -> JsonValue:
    """Return the question's literal value of the schema's type; None if there is none."""
    question = task.question
    if allowed := enum_of(schema):
        said = set(question.stems)
        return next((value for value in allowed if set(stems(value)) <= said), None)
    kind = schema_type(schema)
    if kind in {"integer", "number"}:
        return _number(question.numbers, whole=kind == "integer", place=_place(task, name))
    if kind == "string" and "email" in name and question.emails:
        return question.emails[0]
    stated = question.stated(name) if kind in {"string", "array"} else None
    return [stated] if stated and kind == "array" else stated


def _place(task: Task, name: str) -> int:
    """Return the index of the number that a parameter takes: the second one for names such as `b` and `to`."""
    return 1 if name in {"b", "y", "to", "end", "second"} and len(task.question.numbers) > 1 else 0


def _number(numbers: Sequence[float], *, whole: bool, place: int) -> JsonValue:
    if not numbers:
        return None
    number = numbers[min(place, len(numbers) - 1)]
    return int(number) if whole or number.is_integer() else number


def _optional(task: Task, name: str, schema: Record) -> JsonValue:
    """Return the value of an optional parameter if the question states it plainly."""
    kind = schema_type(schema)
    if kind in {"integer", "number"}:
        if name not in {"limit", "count", "n", "top", "page_size"}:
            return None
        recent = bool(_RECENT.intersection(task.question.words)) and not task.question.counts
        return _literal(task, name, schema) or (FEW if recent else None)
    if enum_of(schema):
        return _literal(task, name, schema)
    if (
        kind == "boolean"
        and schema.get("default") is False
        and set(stems(name)) - {"includ"} <= set(task.question.stems)
    ):
        return True
    return None


def _from_words(task: Task, tool: OfferedTool, name: str) -> JsonValue:
    """Return a required value that no tool can look up: a name, free text, or an object."""
    question = task.question
    kind = schema_type(tool.properties[name])
    if name in {"name", "title", "display_name"} and question.name:
        return question.name
    if name == "slug" and question.name:
        return slug_of(question.name)
    if kind == "object":
        return object_from(task)
    if kind in {"string", ""} and (name in TEXTS or tool.server):
        text = question.quoted[0] if question.quoted else _after(question.text, tool)
        if text:
            return text
    raise CannotAnswer(f"To do that I need the **{' '.join(words(name))}**, which I could not find in your question.")


def object_from(task: Task) -> dict[str, JsonValue]:
    """Return the fields that the question gives for a free-form object."""
    question = task.question
    fields: dict[str, JsonValue] = {}
    if question.name:
        fields = {"name": question.name, "slug": question.stated("slug") or slug_of(question.name)}
    if description := question.stated("description"):
        fields["description"] = description
    if question.emails:
        fields["email"] = question.emails[0]
    if not fields:
        raise CannotAnswer("I need a **name** for that, in quotation marks, say.")
    return fields


def _after(text: str, tool: OfferedTool) -> str:
    """Return the text after the words that name the tool, for tools that take free text."""
    last = 0
    for part in text.split():
        if set(stems(part)) & {*tool.noun, tool.action, tool.server}:
            last = text.index(part, last) + len(part)
    rest = text[last:].strip(" :,?!").split()
    while len(rest) > 1 and (rest[0].lower() in FILLER or stem(rest[0].lower()) in VERBS):
        rest.pop(0)
    return " ".join(rest)
