"""Plans about single things (owner, description, comparison), and the plan that calls the best-fitting tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.filter_parameters import optional_parameters
from local.demo_model.language import Verb, counted, plural, stems
from local.demo_model.markdown import HIDDEN, any_result, cell, cut_notice, fields, has_value, heading
from local.demo_model.plan import CannotAnswer, call_all
from local.demo_model.tool_input import build_call
from local.demo_model.tool_results import parse_result, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.conversation import Call, Outcome
    from local.demo_model.plan import Plan
    from local.demo_model.task import Subject, Task
    from local.demo_model.tool import Noun, OfferedTool
    from local.demo_model.tool_results import Record, ToolResult

PROJECT: Noun = ("project",)
TEAM: Noun = ("team",)
UNSPOKEN = frozenset({"org_slug", "organization_slug", "slim", "limit", "cursor", "project_id"})
"""Parameters that the answer does not mention."""
TRIED = 3
"""The highest number of tools that are tried if the input for the best one cannot be found."""
WORTH_TRYING = 0.6
"""The lowest score of another tool that is worth trying, as a share of the best score."""


def owner(task: Task) -> Plan[str]:
    """Answer which team owns a project, and who its members are."""
    found = yield from task.find(PROJECT)
    team = found.record.get("team")
    if not isinstance(team, dict):
        details = yield from _details(task, found)
        team = details.get("team")
    if not isinstance(team, dict):
        return f"{_linked(task, found)} has no team in what I can see."
    answer = f"{_linked(task, found)} is owned by the team **{task.pages.link('team', team, cell(team))}**."
    members = yield from _members(task, team)
    if members:
        people = ", ".join(f"{cell(member)} ({text_of(member.get('email'))})" for member in members)
        answer += f"\n\nIts members are {people}."
    return answer


def _members(task: Task, team: Record) -> Plan[list[Record]]:
    tool = task.catalogue.acting(Verb.LIST, ("team", "member"))
    if tool is None:
        return []
    call = yield from build_call(task, tool, {name: team.get("slug") for name in tool.needs})
    outcome = (yield from call_all([call]))[0]
    return [] if outcome.is_error else parse_result(outcome.text).records


def describe(task: Task, noun: Noun | None = None) -> Plan[str]:
    """Describe one thing: of the given kind, else of the kind that the question names."""
    found = (yield from task.find(noun)) if noun else (yield from _subject(task))
    details = yield from _details(task, found)
    record = {**found.record, **details}
    description = text_of(record.pop("description", ""))
    parts = [f"### {_linked(task, found)}", description, fields(record)]
    return "\n\n".join(part for part in parts if part)


def _subject(task: Task) -> Plan[Subject]:
    """Find the thing that the question is about: of the kind that it names, else a project or a team."""
    nouns = task.catalogue.mentioned(task.question.stems) or [PROJECT, TEAM]
    for noun in nouns:
        if task.catalogue.lister(noun) and (found := (yield from task.find_all(noun))):
            return found[0]
    return (yield from task.find(nouns[0]))


def _details(task: Task, found: Subject) -> Plan[Record]:
    """Return the details from the tool that gets one such thing; empty if there is no such tool."""
    getter = task.catalogue.acting(Verb.GET, stems(found.phrase))
    if getter is None:
        return {}
    given = {name: found.record.get("id" if name.endswith("id") else "slug") for name in getter.needs}
    call = yield from build_call(task, getter, {name: value for name, value in given.items() if value})
    return (yield from task.call(call)).record


def attribute(task: Task) -> Plan[str]:
    """Answer with one field of a thing, such as the score of a project; empty if the question names no field."""
    nouns = task.catalogue.mentioned(task.question.stems) or [PROJECT]
    if task.question.head or task.catalogue.lister(nouns[0]) is None:
        return ""
    found = yield from task.find_all(nouns[0])
    if not found:
        return ""
    record = {**found[0].record, **(yield from _details(task, found[0]))}
    asked = set(task.question.topics) - set(stems(found[0].name)) - set(nouns[0])
    shared = {
        key: len(asked & set(stems(key))) for key in record if key not in {"id", "name"} and asked & set(stems(key))
    }
    if not shared:
        return ""
    key = max(shared, key=lambda key: shared[key] / len(stems(key)))
    return f"The {heading(key).lower()} of {_linked(task, found[0])} is **{cell(record[key])}**."


def person(task: Task) -> Plan[str]:
    """Describe a person."""
    found = yield from task.find(("user",))
    return f"### {_linked(task, found)}\n\n{fields(found.record)}"


def compare(task: Task) -> Plan[str]:
    """Compare two or more things of a kind in a table."""
    nouns = task.catalogue.mentioned(task.question.stems) or [PROJECT]
    found = yield from task.find_all(nouns[0])
    if not found[1:]:
        raise CannotAnswer(f"To compare I need the names of two {plural(' '.join(nouns[0]))}, as in *compare X and Y*.")
    getter = task.catalogue.acting(Verb.GET, stems(found[0].phrase))
    records = [thing.record for thing in found]
    if getter is not None:
        calls = []
        for thing in found:
            given = {name: thing.record.get("id" if name.endswith("id") else "slug") for name in getter.needs}
            calls.append((yield from build_call(task, getter, given)))
        outcomes: list[Outcome] = yield from call_all(calls)
        records = [
            record if outcome.is_error else {**record, **parse_result(outcome.text).record}
            for record, outcome in zip(records, outcomes, strict=True)
        ]
    return _side_by_side(task, found, records)


def _side_by_side(task: Task, found: Sequence[Subject], records: Sequence[Record]) -> str:
    keys = dict.fromkeys(key for record in records for key in record)
    rows = []
    for key in keys:
        values = [record.get(key) for record in records]
        if key not in {"name", "slug", *HIDDEN} and any(has_value(value) for value in values):
            rows.append(f"| {heading(key)} | {' | '.join(cell(value) for value in values)} |")
    heads = " | ".join(_linked(task, thing) for thing in found)
    return "\n".join([f"| | {heads} |", "|" + " --- |" * (len(found) + 1), *rows])


def call_best_tool(task: Task) -> Plan[str]:
    """Call the tool that fits best, with the input that the question gives."""
    ranked = task.catalogue.ranked(task.question)
    problem: CannotAnswer | None = None
    for score, tool in ranked[:TRIED]:
        if score < ranked[0][0] * WORTH_TRYING:
            break
        try:
            return (yield from call_tool(task, tool))
        except CannotAnswer as error:
            problem = problem or error
    raise problem or CannotAnswer("")


def call_tool(task: Task, tool: OfferedTool) -> Plan[str]:
    """Call a tool with the input that the question gives, and show its result."""
    given = yield from optional_parameters(task, tool)
    call = yield from build_call(task, tool, given)
    result = yield from task.call(call)
    return _general(task, tool, call, result)


def _general(task: Task, tool: OfferedTool, call: Call, result: ToolResult) -> str:
    body = any_result(result, task.pages, tool.phrase)
    if result.is_list and not result.value:
        return f"`{tool.name}` found nothing."
    if not tool.lists or not result.records:
        return f"`{tool.name}` says:\n\n{body}"
    said = [cell(value) for key, value in call.input.items() if key not in UNSPOKEN]
    lead = f"{counted(len(result.records), tool.phrase or 'result')}" + (f" for {', '.join(said)}" if said else "")
    if task.question.counts:
        return f"There {'is' if len(result.records) == 1 else 'are'} {lead}.{cut_notice(result)}"
    return f"{lead}:\n\n{body}"


def _linked(task: Task, found: Subject) -> str:
    return f"**{task.pages.link(found.phrase, found.record, found.name)}**"
