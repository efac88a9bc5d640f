"""What happens in the browser: going to a page, and loading data anew after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.conversation import Call
from local.demo_model.filling import enum_of
from local.demo_model.language import Verb, plural, stems
from local.demo_model.lookups import PROJECT
from local.demo_model.plan import Stuck, each
from local.demo_model.tools import SCOPES

if TYPE_CHECKING:
    from local.demo_model.desk import Desk, Found
    from local.demo_model.plan import Plan
    from local.demo_model.tools import Noun, Offer


def go(desk: Desk) -> Plan[str]:
    """Take the user to a thing's page, or to a section's."""
    offer = _navigator(desk)
    if offer is None:
        raise Stuck("I cannot take you there: no tool that navigates is offered to me.")
    path = yield from _destination(desk)
    if path is None:
        raise Stuck("I know no page of the UI for that.")
    yield from desk.read(Call(offer.name, {"path": path}))
    return f"Here it is: [{path}]({path})."


def _destination(desk: Desk) -> Plan[str | None]:
    topics = set(desk.question.topics) - {"page", "section"}
    for path in desk.pages.plain:
        if topics and topics <= set(stems(path)) <= set(desk.question.stems):
            return path
    nouns: list[Noun] = desk.catalogue.mentioned(desk.question.stems)
    named = {part for noun in nouns for part in noun}
    for noun in (nouns or [PROJECT]) if topics - named else []:
        lister = desk.catalogue.lister(noun)
        found = (yield from desk.find_all(noun)) if lister else []
        if found:
            return desk.pages.path(found[0].phrase, found[0].record)
    for noun in nouns:
        lister = desk.catalogue.lister(noun)
        if lister and (section := desk.pages.section(lister.phrase)):
            return section
    return next((path for path in desk.pages.plain if set(stems(path)) <= set(desk.question.stems)), None)


def _navigator(desk: Desk) -> Offer | None:
    return next(
        (offer for offer in desk.catalogue.offers if offer.verb is Verb.NAVIGATE and "path" in offer.properties), None
    )


def _refresher(desk: Desk) -> Offer | None:
    return next(
        (offer for offer in desk.catalogue.offers if offer.verb is Verb.REFRESH and "resource" in offer.properties),
        None,
    )


def show(desk: Desk, found: Found, call: Call, *, goes: bool) -> Plan[str]:
    """Have the browser load the changed data anew, and go to the page if that was asked for."""
    calls: list[Call] = []
    refresher, navigator = _refresher(desk), _navigator(desk)
    resource = plural(found.phrase).replace(" ", "_")
    if refresher and resource in enum_of(refresher.properties["resource"]):
        scope = {name: call.input[name] for name in SCOPES & refresher.properties.keys() & call.input.keys()}
        calls.append(Call(refresher.name, {"resource": resource, **scope}))
    path = desk.pages.path(found.phrase, found.record) or desk.pages.section(found.phrase)
    if navigator and goes and path:
        calls.append(Call(navigator.name, {"path": path}))
    if not calls:
        return ""
    outcomes = yield from each(calls)
    went = any(
        outcome.call.name == (navigator.name if navigator else "") and not outcome.is_error for outcome in outcomes
    )
    if went:
        return f"I opened [{path}]({path}) for you."
    return "I could not show it to you in the UI." if goes else ""
