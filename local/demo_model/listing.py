"""The plan for lists of things: which, how many, by team, by attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.answers import MOST_ROWS, cut_notice, table
from local.demo_model.conditions import conditions
from local.demo_model.facets import Selection, count_by, group_field, select, telling, wanted_group
from local.demo_model.filling import fill
from local.demo_model.language import counted, plural, stems
from local.demo_model.lookups import describe
from local.demo_model.narrowing import optional_things
from local.demo_model.plan import Stuck
from local.demo_model.things import mentions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.conversation import Call
    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Reading
    from local.demo_model.tools import Offer

_NAMED_WITH_COUNT = 12
"""Up to how many things a count also names."""
MOST_UNKNOWN = 6
"""How many words are repeated that were not understood."""
_UNSAID = frozenset(
    stems(
        "team type kind number count environment project belong own written write use run runs name per each happened "
        "deployed deployments"
    )
)
"""Words of a condition that need no explaining by themselves."""


def listed(desk: Desk, offer: Offer, about: str = "") -> Plan[str]:
    """List things of a kind: those that the question asks for.

    Raises:
        Stuck: the list has nothing to do with the word `about`.
    """
    given = (yield from optional_things(desk, offer)) if _unexplained(desk, offer, Selection(())) else {}
    said = [f"{key.removesuffix('_slug')} is **{value}**" for key, value in given.items()]
    if "slim" in offer.properties:
        given["slim"] = True
    call = yield from fill(desk, offer, given)
    reading = yield from desk.read(call)
    chosen = select(desk.question, reading.records, set(map(str, given.values()))).because(said)
    if about and about not in chosen.explained:
        raise Stuck("")
    if not chosen.reasons and not desk.question.head and mentions(desk.question.text, chosen.records):
        return (yield from describe(desk, offer.noun))
    if not said:
        chosen = yield from _narrowed(desk, offer, call, chosen)
    if wanted_group(desk.question):
        return (yield from _grouped(desk, offer, call, chosen))
    return _answer(desk, offer, chosen, reading)


def described(desk: Desk) -> Plan[str]:
    """Tell about one thing; about all things of a kind, where the question wants these."""
    for noun in desk.catalogue.mentioned(desk.question.stems):
        lister = desk.catalogue.lister(noun)
        wants_all = desk.question.head == noun[-1] or "every" in desk.question.words
        if lister and wants_all and not (yield from desk.find_all(noun)):
            return (yield from listed(desk, lister))
    return (yield from describe(desk))


def _unexplained(desk: Desk, offer: Offer, chosen: Selection) -> list[str]:
    known = {*offer.noun, *_UNSAID, *chosen.explained, *wanted_group(desk.question)}
    return [part for part in desk.question.topics if part not in known and not part.isdecimal()]


def _narrowed(desk: Desk, offer: Offer, call: Call, chosen: Selection) -> Plan[Selection]:
    """Narrow a list by what the question says beyond what is explained: by attributes, else by the records' words."""
    left = _unexplained(desk, offer, chosen)
    if not left:
        return chosen
    found = yield from conditions(desk, offer, call.input, left)
    if found:
        narrower = yield from fill(desk, offer, {**call.input, "filter": [condition.as_filter for condition in found]})
        records = (yield from desk.read(narrower)).records
        explained = frozenset(part for condition in found for part in condition.explained)
        chosen = select(desk.question, records).because([str(condition) for condition in found], explained)
    return telling(chosen, _unexplained(desk, offer, chosen))


def _grouped(desk: Desk, offer: Offer, call: Call, chosen: Selection) -> Plan[str]:
    """Count things by a field; where the short form of the list lacks it, by the long form."""
    key = group_field(desk.question, chosen.records)
    notice = ""
    if key is None and "slim" in call.input:
        reading = yield from desk.read((yield from fill(desk, offer, {**call.input, "slim": False})))
        notice = cut_notice(reading)
        key = group_field(desk.question, reading.records)
        chosen = select(desk.question, reading.records)
    if key is None:
        return f"I do not know how to group {plural(offer.phrase)} by {' '.join(wanted_group(desk.question))}."
    return _group_table(offer, chosen, key) + notice


def _group_table(offer: Offer, chosen: Selection, key: str) -> str:
    rows = count_by(chosen.records, key)
    total = counted(len(chosen.records), offer.phrase)
    lines = "\n".join(f"| {row['name']} | {row['count']} |" for row in rows)
    head = key.removesuffix("_slug").replace("_", " ").capitalize()
    heads = f"| {head} | {plural(offer.phrase).capitalize()} |\n| --- | --- |"
    return f"{total}{_because(chosen)}, by {head.lower()}:\n\n{heads}\n{lines}"


def _answer(desk: Desk, offer: Offer, chosen: Selection, reading: Reading) -> str:
    number = len(chosen.records)
    lead = f"{counted(number, offer.phrase)}{_because(chosen)}"
    notice = cut_notice(reading)
    left = [part for part in _unexplained(desk, offer, chosen) if not chosen.reasons]
    if left and number:
        unknown = [f"“{word}”" for word in desk.question.words if _is_about(word, left)]
        words = ", ".join(unknown[:MOST_UNKNOWN])
        notice += f"\n\n*I did not know what to make of {words}, so this is the whole list.*"
    if not number:
        return f"I found no {plural(offer.phrase)}{_because(chosen)}.{notice}"
    if desk.question.counts:
        names = table(chosen.records, desk.pages, offer.phrase) if number <= _NAMED_WITH_COUNT else ""
        return f"There {'is' if number == 1 else 'are'} {lead}." + (f"\n\n{names}" if names else "") + notice
    shown = f"{lead}, of which these are the first {MOST_ROWS}" if number > MOST_ROWS else lead
    return f"{shown}:\n\n{table(chosen.records, desk.pages, offer.phrase)}{notice}"


def _is_about(word: str, parts: Sequence[str]) -> bool:
    return stems(word)[:1] != () and stems(word)[0] in parts


def _because(chosen: Selection) -> str:
    return f" whose {' and '.join(chosen.reasons)}" if chosen.reasons else ""
