"""Narrowing a list by optional parameters: to the project, team, environment or person that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.filling import IDENTIFIERS, identifier, noun_of
from local.demo_model.plan import each
from local.demo_model.reading import read
from local.demo_model.things import mentions, nicknamed

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.conversation import Call
    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.tools import Noun, Offer

_LIKELY: frozenset[Noun] = frozenset({("project",), ("team",), ("environment",)})
"""Kinds of things that people name without saying what they are."""


def optional_things(desk: Desk, offer: Offer) -> Plan[dict[str, JsonValue]]:
    """Values for parameters that narrow a list to things that the question names, looked up side by side."""
    wanted = _narrowing(desk, offer)
    if not wanted:
        return {}
    calls: dict[str, Call] = {}
    for name, lister in wanted.items():
        calls[name] = yield from desk.listing_call(lister)
    outcomes = yield from each(list(calls.values()))
    records = {
        name: [] if outcome.is_error else read(outcome.text).records
        for name, outcome in zip(calls, outcomes, strict=True)
    }
    everything = [record for name in records for record in records[name]]
    values: dict[str, JsonValue] = {}
    for source in desk.sources:
        named = mentions(source, everything)
        for name, lister in wanted.items():
            named += nicknamed(source, records[name], lister.noun)
        for mention in named:
            name = next(name for name in records if any(mention.record is record for record in records[name]))
            values.setdefault(name, identifier(name, mention.record))
        if values:
            break
    return values


def _narrowing(desk: Desk, offer: Offer) -> dict[str, Offer]:
    """The optional parameters that take a thing that may well be named: what lists such things, by parameter."""
    found: dict[Noun, str] = {}
    for name in offer.properties:
        noun = noun_of(desk, offer, name) if name not in offer.required and name not in IDENTIFIERS else None
        likely = _LIKELY | ({("user",)} if {"by", "did", "who"}.intersection(desk.question.words) else set())
        is_likely = noun is not None and (noun in likely or set(noun) <= set(desk.question.stems))
        if noun is not None and is_likely and (noun not in found or name.endswith("slug")):
            found[noun] = name
    listers = {name: desk.catalogue.lister(noun) for noun, name in found.items()}
    return {name: lister for name, lister in listers.items() if lister is not None}
