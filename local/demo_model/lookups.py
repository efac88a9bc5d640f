"""Plans that look at single things: owners, descriptions, comparisons, and whatever a tool tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.answers import HIDDEN, any_result, cell, cut_notice, fields, heading, is_telling
from local.demo_model.filling import fill
from local.demo_model.language import Verb, counted, plural, stems
from local.demo_model.narrowing import optional_things
from local.demo_model.plan import Stuck, each
from local.demo_model.reading import read, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.conversation import Call, Outcome
    from local.demo_model.desk import Desk, Found
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Reading, Record
    from local.demo_model.tools import Noun, Offer

PROJECT: Noun = ("project",)
TEAM: Noun = ("team",)
UNSPOKEN = frozenset({"org_slug", "organization_slug", "slim", "limit", "cursor", "project_id"})
"""Parameters that an answer does not repeat."""
TRIED = 3
"""How many tools are tried, where the best cannot be filled."""
WORTH_TRYING = 0.6
"""The least share of the best tool's score that makes another one worth trying."""


def owner(desk: Desk) -> Plan[str]:
    """Who owns a project: its team, and who is in it."""
    found = yield from desk.find(PROJECT)
    team = found.record.get("team")
    if not isinstance(team, dict):
        details = yield from _details(desk, found)
        team = details.get("team")
    if not isinstance(team, dict):
        return f"{_linked(desk, found)} has no team in what I can see."
    answer = f"{_linked(desk, found)} is owned by the team **{desk.pages.link('team', team, cell(team))}**."
    members = yield from _members(desk, team)
    if members:
        people = ", ".join(f"{cell(member)} ({text_of(member.get('email'))})" for member in members)
        answer += f"\n\nIts members are {people}."
    return answer


def _members(desk: Desk, team: Record) -> Plan[list[Record]]:
    offer = desk.catalogue.acting(Verb.LIST, ("team", "member"))
    if offer is None:
        return []
    call = yield from fill(desk, offer, {name: team.get("slug") for name in offer.needs})
    outcome = (yield from each([call]))[0]
    return [] if outcome.is_error else read(outcome.text).records


def describe(desk: Desk, noun: Noun | None = None) -> Plan[str]:
    """Everything about one thing: of the kind given, else of the kind that the question names."""
    found = (yield from desk.find(noun)) if noun else (yield from _subject(desk))
    details = yield from _details(desk, found)
    record = {**found.record, **details}
    description = text_of(record.pop("description", ""))
    parts = [f"### {_linked(desk, found)}", description, fields(record)]
    return "\n\n".join(part for part in parts if part)


def _subject(desk: Desk) -> Plan[Found]:
    """The thing that the question is about: of the kind that it names, else of any kind."""
    nouns = desk.catalogue.mentioned(desk.question.stems) or [PROJECT, TEAM]
    for noun in nouns:
        if desk.catalogue.lister(noun) and (found := (yield from desk.find_all(noun))):
            return found[0]
    return (yield from desk.find(nouns[0]))


def _details(desk: Desk, found: Found) -> Plan[Record]:
    """What the tool that gets one such thing says of it; nothing where there is none."""
    getter = desk.catalogue.acting(Verb.GET, stems(found.phrase))
    if getter is None:
        return {}
    given = {name: found.record.get("id" if name.endswith("id") else "slug") for name in getter.needs}
    call = yield from fill(desk, getter, {name: value for name, value in given.items() if value})
    return (yield from desk.read(call)).record


def attribute(desk: Desk) -> Plan[str]:
    """One field of a thing, such as the score of a project; empty where the question asks for no such thing."""
    nouns = desk.catalogue.mentioned(desk.question.stems) or [PROJECT]
    if desk.question.head or desk.catalogue.lister(nouns[0]) is None:
        return ""
    found = yield from desk.find_all(nouns[0])
    if not found:
        return ""
    record = {**found[0].record, **(yield from _details(desk, found[0]))}
    asked = set(desk.question.topics) - set(stems(found[0].name)) - set(nouns[0])
    shared = {
        key: len(asked & set(stems(key))) for key in record if key not in {"id", "name"} and asked & set(stems(key))
    }
    if not shared:
        return ""
    key = max(shared, key=lambda key: shared[key] / len(stems(key)))
    return f"The {heading(key).lower()} of {_linked(desk, found[0])} is **{cell(record[key])}**."


def person(desk: Desk) -> Plan[str]:
    """Who someone is."""
    found = yield from desk.find(("user",))
    return f"### {_linked(desk, found)}\n\n{fields(found.record)}"


def compare(desk: Desk) -> Plan[str]:
    """Two or more things of a kind side by side."""
    nouns = desk.catalogue.mentioned(desk.question.stems) or [PROJECT]
    found = yield from desk.find_all(nouns[0])
    if not found[1:]:
        raise Stuck(f"To compare I need the names of two {plural(' '.join(nouns[0]))}, as in *compare X and Y*.")
    getter = desk.catalogue.acting(Verb.GET, stems(found[0].phrase))
    records = [thing.record for thing in found]
    if getter is not None:
        calls = []
        for thing in found:
            given = {name: thing.record.get("id" if name.endswith("id") else "slug") for name in getter.needs}
            calls.append((yield from fill(desk, getter, given)))
        outcomes: list[Outcome] = yield from each(calls)
        records = [
            record if outcome.is_error else {**record, **read(outcome.text).record}
            for record, outcome in zip(records, outcomes, strict=True)
        ]
    return _side_by_side(desk, found, records)


def _side_by_side(desk: Desk, found: Sequence[Found], records: Sequence[Record]) -> str:
    keys = dict.fromkeys(key for record in records for key in record)
    rows = []
    for key in keys:
        values = [record.get(key) for record in records]
        if key not in {"name", "slug", *HIDDEN} and any(is_telling(value) for value in values):
            rows.append(f"| {heading(key)} | {' | '.join(cell(value) for value in values)} |")
    heads = " | ".join(_linked(desk, thing) for thing in found)
    return "\n".join([f"| | {heads} |", "|" + " --- |" * (len(found) + 1), *rows])


def anything(desk: Desk) -> Plan[str]:
    """The tool that fits best, with whatever input the question gives it."""
    ranked = desk.catalogue.ranked(desk.question)
    problem: Stuck | None = None
    for score, offer in ranked[:TRIED]:
        if score < ranked[0][0] * WORTH_TRYING:
            break
        try:
            return (yield from called(desk, offer))
        except Stuck as error:
            problem = problem or error
    raise problem or Stuck("")


def called(desk: Desk, offer: Offer) -> Plan[str]:
    """Call a tool with what the question gives for it, and tell what it says."""
    given = yield from optional_things(desk, offer)
    call = yield from fill(desk, offer, given)
    reading = yield from desk.read(call)
    return _general(desk, offer, call, reading)


def _general(desk: Desk, offer: Offer, call: Call, reading: Reading) -> str:
    body = any_result(reading, desk.pages, offer.phrase)
    if reading.is_list and not reading.value:
        return f"`{offer.name}` found nothing."
    if not offer.lists or not reading.records:
        return f"`{offer.name}` says:\n\n{body}"
    said = [cell(value) for key, value in call.input.items() if key not in UNSPOKEN]
    lead = f"{counted(len(reading.records), offer.phrase or 'result')}" + (f" for {', '.join(said)}" if said else "")
    if desk.question.counts:
        return f"There {'is' if len(reading.records) == 1 else 'are'} {lead}.{cut_notice(reading)}"
    return f"{lead}:\n\n{body}"


def _linked(desk: Desk, found: Found) -> str:
    return f"**{desk.pages.link(found.phrase, found.record, found.name)}**"
