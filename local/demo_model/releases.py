"""The plan for releases: the latest of a project, or over all projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.answers import cell, cut_notice, table
from local.demo_model.desk import failure_of
from local.demo_model.filling import fill
from local.demo_model.language import Verb, counted, plural, stems
from local.demo_model.lookups import PROJECT, anything
from local.demo_model.plan import each
from local.demo_model.reading import read, text_of

if TYPE_CHECKING:
    from local.demo_model.conversation import Call
    from local.demo_model.desk import Desk, Found
    from local.demo_model.plan import Plan
    from local.demo_model.reading import Reading, Record
    from local.demo_model.tools import Offer

USUAL = 10
"""How many releases are shown where the question gives no number."""
MOST = 100


def releases(desk: Desk) -> Plan[str]:
    """The latest releases: of a project, or over all projects."""
    lister = desk.catalogue.lister(PROJECT)
    if lister is None:
        return (yield from anything(desk))
    found = yield from desk.find_all(PROJECT)
    if found:
        return (yield from _of_project(desk, found[0]))
    reading = yield from desk.listing(lister)
    current = [row for record in reading.records for row in _current(record)]
    if not current:
        return (yield from anything(desk))
    current = _in_environment(desk, current)
    current.sort(key=lambda row: text_of(row["deployed_at"]), reverse=True)
    lead = f"The latest of {counted(len(current), 'current release')}:"
    return f"{lead}\n\n{table(current[: _limit(desk)], desk.pages, 'project')}{cut_notice(reading)}"


def _current(project: Record) -> list[Record]:
    """What a project runs, one row for each environment."""
    found = project.get("current_releases")
    return [
        {
            "name": project.get("name"),
            "id": project.get("id"),
            "tag": release.get("tag") or release.get("committish"),
            "environment": environment,
            "deployed_at": release.get("deployed_at"),
            "performed_by": release.get("performed_by"),
        }
        for environment, release in (found.items() if isinstance(found, dict) else ())
        if isinstance(release, dict) and release.get("deployed_at")
    ]


def _in_environment(desk: Desk, rows: list[Record]) -> list[Record]:
    """The rows about the environments that the question names; all, where it names none."""
    asked = set(desk.question.stems)
    named = [row for row in rows if set(stems(cell(row.get("environment")))) <= asked]
    return named or rows


def _of_project(desk: Desk, found: Found) -> Plan[str]:
    """A project's releases, and what its environments run, asked for side by side."""
    nouns = (("current", "releas"), ("releas",))
    asked = [desk.catalogue.acting(Verb.LIST, noun) for noun in nouns]
    offers = [offer for offer in asked if offer is not None and offer.needs == ["project_id"]]
    if not offers:
        return (yield from anything(desk))
    calls: list[Call] = []
    for offer in offers:
        call = yield from fill(desk, offer, {"project_id": found.record.get("id")})
        calls.append(call)
    outcomes = yield from each(calls)
    name = f"**{desk.pages.link(found.phrase, found.record, found.name)}**"
    parts = []
    for offer, outcome in zip(offers, outcomes, strict=True):
        if outcome.is_error:
            parts.append(f"I could not get the {plural(offer.phrase)}: {failure_of(outcome)}")
        elif rows := _rows(desk, offer, read(outcome.text)):
            head = "Running now" if offer.noun[0] == "current" else "All releases, newest first"
            parts.append(f"{head}:\n\n{rows}")
    return "\n\n".join([f"Releases of {name}", *parts]) if parts else f"{name} has no releases yet."


def _rows(desk: Desk, offer: Offer, reading: Reading) -> str:
    records = [_flat(record) for record in reading.records if record.get("release", True)]
    records = _in_environment(desk, records)
    return table(records[: _limit(desk)], desk.pages, offer.phrase) + cut_notice(reading) if records else ""


def _flat(record: Record) -> Record:
    """A row about an environment with the tag of the release that it runs."""
    release = record.get("release")
    if not isinstance(release, dict):
        return record
    environment = {"environment": record.get("environment"), "tag": release.get("tag") or release.get("committish")}
    return {**environment, "status": record.get("current_status"), "since": record.get("last_event_at")}


def _limit(desk: Desk) -> int:
    return next((int(number) for number in desk.question.numbers if 0 < number <= MOST), USUAL)
