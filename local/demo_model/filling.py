"""Filling a tool's input: from the question's literals, its schema, and things found with other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.language import FILLER, VERBS, slug_of, stem, stems, words
from local.demo_model.plan import Stuck
from local.demo_model.reading import text_of
from local.demo_model.tools import SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Record
    from local.demo_model.tools import Noun, Offer

IDENTIFIERS = ("id", "slug", "email", "key", "name")
"""How parameters' names end that want something to be identified."""
TEXTS = frozenset({"q", "query", "text", "message", "search", "question", "prompt", "content", "input", "keywords"})
"""Parameters that take free text."""
FEW = 12
"""How many entries are asked for where the question wants the latest and gives no number."""
_RECENT = frozenset({"recent", "recently", "last", "lately", "latest", "newest", "happened", "new"})
_NOUNS: Mapping[str, Noun] = {
    "env": ("environment",),
    "type": ("project", "type"),
    "sa": ("servic", "account"),
    "target": ("project",),
}
"""Kinds of things that parameters name in short."""
_PEOPLE = frozenset({"performed_by", "attributed_to", "author", "user", "uploaded_by"})
"""Parameters that take a person's e-mail address."""


def fill(desk: Desk, offer: Offer, given: Mapping[str, JsonValue] | None = None) -> Plan[Call]:
    """Work out a tool's input: what it requires, and what of the rest the question gives.

    Raises:
        Stuck: the question does not give what the tool requires, or names something that is not there.
    """
    values: dict[str, JsonValue] = dict(given or {})
    for name in offer.required:
        if name not in values:
            values[name] = yield from _value(desk, offer, name)
    for name, schema in offer.properties.items():
        if name not in values and (literal := _optional(desk, name, schema)) is not None:
            values[name] = literal
    return Call(offer.name, values)


def schema_type(schema: Record) -> str:
    """The JSON type that a schema asks for, looking through what may also be null."""
    variants = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(variants, list):
        kinds = [schema_type(variant) for variant in variants if isinstance(variant, dict)]
        return next((kind for kind in kinds if kind != "null"), "")
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((text for text in map(text_of, kind) if text and text != "null"), "")
    return text_of(kind)


def enum_of(schema: Record) -> list[str]:
    """The values that a schema allows, looking through what may also be null."""
    allowed = schema.get("enum")
    if isinstance(allowed, list):
        return [value for value in allowed if isinstance(value, str)]
    variants = schema.get("anyOf") or schema.get("oneOf") or []
    parts = variants if isinstance(variants, list) else []
    return [value for part in parts if isinstance(part, dict) for value in enum_of(part)]


def _value(desk: Desk, offer: Offer, name: str) -> Plan[JsonValue]:
    """The value of a required parameter."""
    schema = offer.properties[name]
    if name in SCOPES:
        return (yield from desk.organization())
    literal = _literal(desk, name, schema)
    if literal is not None:
        return literal
    noun = noun_of(desk, offer, name)
    if noun is not None and not _names_new(offer, name):
        found = yield from desk.find(noun)
        value = identifier(name, found.record)
        return [value] if schema_type(schema) == "array" else value
    return _from_words(desk, offer, name)


def identifier(name: str, record: Record) -> str:
    """What identifies a thing to a parameter."""
    wanted = "email" if name in _PEOPLE or name.endswith("email") else "id" if name.endswith("id") else "slug"
    return text_of(record.get(wanted)) or text_of(record.get("slug"))


def noun_of(desk: Desk, offer: Offer, name: str) -> Noun | None:
    """The kind of thing that a parameter identifies, if a tool lists it."""
    if name in _PEOPLE:
        return ("user",)
    parts = words(name)
    if not parts or stem(parts[-1]) not in IDENTIFIERS:
        return None
    kind = parts[:-1]
    if kind:
        noun = _NOUNS.get("_".join(kind), tuple(stem(part) for part in kind))
        return noun if desk.catalogue.may_list(noun) else None
    for width in range(len(offer.noun), 0, -1):
        noun = offer.noun[:width]
        if desk.catalogue.may_list(noun) and desk.catalogue.listing(noun) is not offer:
            return noun
    return None


def _names_new(offer: Offer, name: str) -> bool:
    """Whether a parameter names what is only about to be made."""
    return offer.action in {"creat", "regist"} and name in {"name", "slug", "id", "key"}


def _literal(desk: Desk, name: str, schema: Record) -> JsonValue:
    """A value that stands in the question, by its schema's type; None where there is none."""
    question = desk.question
    if allowed := enum_of(schema):
        said = set(question.stems)
        return next((value for value in allowed if set(stems(value)) <= said), None)
    kind = schema_type(schema)
    if kind in {"integer", "number"}:
        return _number(question.numbers, whole=kind == "integer", place=_place(desk, name))
    if kind == "string" and "email" in name and question.emails:
        return question.emails[0]
    stated = question.stated(name) if kind in {"string", "array"} else None
    return [stated] if stated and kind == "array" else stated


def _place(desk: Desk, name: str) -> int:
    """Which of several numbers a parameter takes: `a` and `b` of a tool take the first and the second."""
    return 1 if name in {"b", "y", "to", "end", "second"} and len(desk.question.numbers) > 1 else 0


def _number(numbers: Sequence[float], *, whole: bool, place: int) -> JsonValue:
    if not numbers:
        return None
    number = numbers[min(place, len(numbers) - 1)]
    return int(number) if whole or number.is_integer() else number


def _optional(desk: Desk, name: str, schema: Record) -> JsonValue:
    """A value for a parameter that need not be given: only what the question plainly says."""
    kind = schema_type(schema)
    if kind in {"integer", "number"}:
        if name not in {"limit", "count", "n", "top", "page_size"}:
            return None
        recent = bool(_RECENT.intersection(desk.question.words)) and not desk.question.counts
        return _literal(desk, name, schema) or (FEW if recent else None)
    if enum_of(schema):
        return _literal(desk, name, schema)
    if (
        kind == "boolean"
        and schema.get("default") is False
        and set(stems(name)) - {"includ"} <= set(desk.question.stems)
    ):
        return True
    return None


def _from_words(desk: Desk, offer: Offer, name: str) -> JsonValue:
    """A required value that no tool can look up: a name, free text, or an object of what the question states."""
    question = desk.question
    kind = schema_type(offer.properties[name])
    if name in {"name", "title", "display_name"} and question.name:
        return question.name
    if name == "slug" and question.name:
        return slug_of(question.name)
    if kind == "object":
        return object_from(desk)
    if kind in {"string", ""} and (name in TEXTS or offer.server):
        text = question.quoted[0] if question.quoted else _after(question.text, offer)
        if text:
            return text
    raise Stuck(f"To do that I need the **{' '.join(words(name))}**, which I could not find in your question.")


def object_from(desk: Desk) -> dict[str, JsonValue]:
    """The fields that the question gives for a free-form object."""
    question = desk.question
    fields: dict[str, JsonValue] = {}
    if question.name:
        fields = {"name": question.name, "slug": question.stated("slug") or slug_of(question.name)}
    if description := question.stated("description"):
        fields["description"] = description
    if question.emails:
        fields["email"] = question.emails[0]
    if not fields:
        raise Stuck("I need a **name** for that, in quotation marks, say.")
    return fields


def _after(text: str, offer: Offer) -> str:
    """What follows the words that name the tool, for tools that take a text as it is."""
    last = 0
    for part in text.split():
        if set(stems(part)) & {*offer.noun, offer.action, offer.server}:
            last = text.index(part, last) + len(part)
    rest = text[last:].strip(" :,?!").split()
    while len(rest) > 1 and (rest[0].lower() in FILLER or stem(rest[0].lower()) in VERBS):
        rest.pop(0)
    return " ".join(rest)
