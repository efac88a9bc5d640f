"""Plans that change something: create, rename, set, delete, archive; then refresh the UI and go to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.answers import any_result, cell, fields
from local.demo_model.browser import show
from local.demo_model.desk import Found
from local.demo_model.filling import enum_of, fill, schema_type
from local.demo_model.language import FILLER, VERBS, Verb, plural, slug_of, stem, stems, words
from local.demo_model.lookups import PROJECT
from local.demo_model.plan import Stuck
from local.demo_model.reading import text_of
from local.demo_model.tools import SCOPES

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.conversation import Call
    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Record
    from local.demo_model.tools import Offer

CONFIRM = "Shall I really delete"
"""How the question begins that comes before a deletion."""
UNPERMITTED = "you may lack the permission"
"""Why a tool that changes something may be missing."""
_IDENTITY = {"name", "slug", "organization"}


def create(desk: Desk) -> Plan[str]:
    """Create a thing of the kind that the question names, and show it in the UI."""
    offer = _offer(desk, Verb.CREATE)
    call = yield from fill(desk, offer, _names(desk, offer))
    made = (yield from desk.read(call)).record
    found = Found(made if "name" in made else _sent(call), offer.phrase)
    shown = yield from show(desk, found, call, goes=desk.question.goes)
    details = fields({key: value for key, value in found.record.items() if key not in _IDENTITY | {"created_at"}})
    answer = f"I created the {offer.phrase} **{desk.pages.link(offer.phrase, found.record, found.name)}**"
    answer += f" (`{cell(found.record.get('slug'))}`)." if found.record.get("slug") else "."
    return "\n\n".join(part for part in (answer, details, shown) if part)


def change(desk: Desk) -> Plan[str]:
    """Give a field of a thing another value."""
    wanted = desk.question.change
    if wanted is None:
        raise Stuck('Tell me what to change as in *rename X to Y*, or *set the description of X to "…"*.')
    nouns = desk.catalogue.mentioned(stems(wanted.what)) or [PROJECT]
    offer = desk.catalogue.acting(Verb.UPDATE, nouns[0])
    if offer is None:
        raise Stuck(f"No tool that changes a {' '.join(nouns[0])} is offered to me; {UNPERMITTED}.")
    found = yield from desk.find(nouns[0], None if desk.question.refers_back and not wanted.what else wanted.what)
    field = "_".join(words(wanted.field))
    given = _identifiers(offer, found)
    given |= _patch(offer, field, wanted.value, found.record)
    call = yield from fill(desk, offer, given)
    changed = (yield from desk.read(call)).record
    after = Found({**found.record, field: wanted.value, **changed}, found.phrase)
    shown = yield from show(desk, after, call, goes=desk.question.goes)
    before = cell(found.record.get(field))
    link = desk.pages.link(found.phrase, after.record, after.name)
    told = f"I changed the {wanted.field} of the {found.phrase} **{link}**"
    told += f" from “{before}” to “{cell(after.record.get(field))}”."
    slug = text_of(after.record.get("slug"))
    if field == "name" and slug and slug != slug_of(wanted.value):
        told += f" Its slug is still `{slug}`."
    return "\n\n".join(part for part in (told, shown) if part)


def delete(desk: Desk) -> Plan[str]:
    """Ask before something is deleted."""
    offer = _offer(desk, Verb.DELETE)
    found = yield from desk.find(offer.noun)
    return f"{CONFIRM} the {offer.phrase} **{found.name}**? This cannot be undone. Say *yes* and I will."


def confirmed(desk: Desk) -> Plan[str]:
    """Delete what was asked about before."""
    offer = _offer(desk, Verb.DELETE)
    found = yield from desk.find(offer.noun)
    call = yield from fill(desk, offer, _identifiers(offer, found))
    yield from desk.read(call)
    shown = yield from show(desk, found, call, goes=False)
    told = f"The {offer.phrase} **{found.name}** is deleted."
    return "\n\n".join(part for part in (told, shown) if part)


def join(desk: Desk) -> Plan[str]:
    """Add a person to a team."""
    offer = next(
        (offer for offer in desk.catalogue.offers if offer.verb is Verb.CREATE and offer.noun[-1:] == ("member",)), None
    )
    if offer is None:
        desk.catalogue.want("add team member")
        raise Stuck("No tool that adds members is offered to me.")
    if not desk.question.emails:
        raise Stuck("Tell me the **e-mail address** of the person to add.")
    email = desk.question.emails[0]
    body: dict[str, JsonValue] = {
        name: {"email": email} for name in offer.required if schema_type(offer.properties[name]) == "object"
    }
    call = yield from fill(desk, offer, body)
    yield from desk.read(call)
    team = next((cell(call.input[name]) for name in offer.needs if name.endswith("slug")), "team")
    return f"I added **{email}** to **{team}**."


def act(desk: Desk) -> Plan[str]:
    """Do what another verb of the question says, with the tool whose name has it."""
    ranked = desk.catalogue.ranked(desk.question)
    offer = next((offer for _, offer in ranked if not offer.verb.only_reads), None)
    if offer is None:
        raise Stuck(f"No tool that does that is offered to me; {UNPERMITTED}.")
    call = yield from fill(desk, offer)
    reading = yield from desk.read(call)
    shown = yield from show(desk, Found(reading.record, offer.phrase), call, goes=False)
    parts = (f"Done (`{offer.name}`).", any_result(reading, desk.pages, offer.phrase) if reading.value else "", shown)
    return "\n\n".join(part for part in parts if part)


def _offer(desk: Desk, verb: Verb) -> Offer:
    """The tool that does it to the kind of thing that the question names."""
    able = {offer.noun: offer for offer in reversed(desk.catalogue.offers) if offer.verb is verb and offer.noun}
    desk.catalogue.want(f"{verb.value} {_kind_named(desk)}".strip())
    before_name = desk.question.text.split(desk.question.name or "\0")[0]
    for text in (before_name, desk.question.text):
        if named := desk.catalogue.mentioned(stems(text), able):
            return able[named[0]]
    if verb is Verb.DELETE and PROJECT in able:
        return able[PROJECT]
    kinds = ", ".join(sorted({plural(offer.phrase) for offer in able.values()})[:20])
    if not kinds:
        raise Stuck(f"No tool to {verb.value} things with is offered to me; {UNPERMITTED}.")
    raise Stuck(f"With the tools that I am offered I can {verb.value} {kinds}.")


def _kind_named(desk: Desk) -> str:
    """The words before a name, which say what kind of thing it is."""
    before = desk.question.text.split(desk.question.name or "\0")[0]
    return " ".join(
        word for word in words(before) if word not in FILLER and stem(word) not in VERBS and word != "named"
    )


def _names(desk: Desk, offer: Offer) -> dict[str, JsonValue]:
    """What the question states for a new thing's own fields."""
    given: dict[str, JsonValue] = {}
    for name, schema in offer.properties.items():
        is_text = schema_type(schema) == "string" and not enum_of(schema)
        is_optional = name == "slug" or name not in {"name", *offer.required, *SCOPES}
        if is_text and is_optional and (stated := desk.question.stated(name)):
            given[name] = stated
    return given


def _sent(call: Call) -> Record:
    data = next((value for value in call.input.values() if isinstance(value, dict) and "name" in value), call.input)
    return {key: value for key, value in data.items() if key not in SCOPES}


def _identifiers(offer: Offer, found: Found) -> dict[str, JsonValue]:
    """A thing's identifiers for the parameters of a tool that changes it."""
    needs = [name for name in offer.needs if words(name)[-1] in {"id", "slug", "email"}]
    return {name: found.record.get(words(name)[-1]) for name in needs[:1]}


def _patch(offer: Offer, field: str, value: str, record: Record) -> dict[str, JsonValue]:
    """The change in the form that the tool takes: a field of its own, or a JSON Patch."""
    if field in offer.properties and field not in offer.required:
        return {field: value}
    for name, schema in offer.properties.items():
        if schema_type(schema) == "array" and "op" in str(schema) and "path" in str(schema):
            return {name: [{"op": "replace" if field in record else "add", "path": f"/{field}", "value": value}]}
    raise Stuck(f"`{offer.name}` takes no {field}.")
