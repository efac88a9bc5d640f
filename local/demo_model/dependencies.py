"""The plan for dependencies: what a project depends on, and what depends on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.demo_model.answers import cell, cut_notice
from local.demo_model.filling import fill
from local.demo_model.language import counted
from local.demo_model.lookups import PROJECT
from local.demo_model.plan import Stuck
from local.demo_model.reading import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.desk import Desk
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Record
    from local.demo_model.tools import Offer

_INBOUND = re.compile(r"\bdepends? (?:up)?on\b(?=\s+\S)|\bdepend[ae]nts\b|\bused by\b", re.IGNORECASE)
_OUTBOUND = re.compile(
    r"\bdependenc(?:y|ies)\b|\b(?:does|do|did)\b.*\bdepend|\bon what\b|\bdepends? (?:up)?on\W*$", re.IGNORECASE
)


def depends(desk: Desk) -> Plan[str]:
    """What a project depends on, or what depends on it; both where the question does not say."""
    offer = _offer(desk)
    found = yield from desk.find(PROJECT)
    call = yield from fill(desk, offer, {name: found.record.get("id") for name in offer.needs})
    reading = yield from desk.read(call)
    name = f"**{desk.pages.link(found.phrase, found.record, found.name)}**"
    text = desk.question.text
    outbound, inbound = bool(_OUTBOUND.search(text)), bool(_INBOUND.search(text))
    parts = []
    if outbound or not inbound:
        parts.append(_told(desk, f"{name} depends on", "depends on nothing", _related(reading.records, "outbound")))
    if not outbound:
        lead = f"Depending on {name} there are"
        parts.append(_told(desk, lead, "has nothing that depends on it", _related(reading.records, "inbound")))
    parts = [part if part[0] in "*D" else f"{name} {part}" for part in parts]
    return "\n\n".join(parts) + cut_notice(reading)


def _told(desk: Desk, lead: str, nothing: str, projects: Sequence[Record]) -> str:
    if not projects:
        return f"{nothing}, as far as I can see."
    lines = [f"- {desk.pages.link('project', project, cell(project))}{_kind(project)}" for project in projects]
    return "\n".join([f"{lead} {counted(len(lines), 'project')}:", "", *lines])


def _kind(project: Record) -> str:
    kind = text_of(project.get("project_type"))
    return f" ({kind})" if kind else ""


def _related(records: Sequence[Record], direction: str) -> list[Record]:
    projects = [record.get("project") for record in records if record.get("direction") == direction]
    return [project for project in projects if isinstance(project, dict)]


def _offer(desk: Desk) -> Offer:
    for offer in desk.catalogue.offers:
        if offer.verb.only_reads and offer.noun == ("project", "depend") and len(offer.needs) == 1:
            return offer
    desk.catalogue.want("get project dependencies relationships")
    raise Stuck("No tool that tells the dependencies of projects is offered to me.")
