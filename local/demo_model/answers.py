"""Answers about one thing or about the things of one kind: what a tool returns, as a table or as a list of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.markdown import HIDDEN, any_result, cell, cut_notice, fields, has_value, heading, table
from local.demo_model.task import CannotAnswer
from local.demo_model.tool_results import name_of, parse_result, text_of
from local.demo_model.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pydantic import JsonValue

    from local.demo_model.task import Task
    from local.demo_model.tool_results import Record

    Plan: TypeAlias = "Callable[[Task], str]"
    Rows: TypeAlias = "Callable[[Sequence[Record]], list[Record]]"

_FEW = 12
"""The highest count for which the answer to "how many" also names the things."""
_ABOUT = {
    "project": " of {}", "team": " of the team {}", "environment": " in {}", "span": " {}",
    "q": " for “{}”", "query": " for “{}”",
}  # fmt: skip
"""How an answer repeats what the question is about, by the slot."""
_LONGEST_QUOTE = 600
_MOST_RELEASES = 10
_FIELDS = {"language": "programming_language", "type": "project_types", "project type": "project_types"}
"""The fields that people call otherwise."""


def look_up(tool: str, noun: str, lead: str = "{}", *, kind: str = "", rows: Rows = list, **given: JsonValue) -> Plan:
    """Return the plan that calls a tool and lists the rows of its result, things called `noun` with pages of `kind`."""

    def plan(task: Task) -> str:
        result = task.call(tool, **given)
        thing = f"{task.slots['status'].lower()} {noun}" if "status" in task.slots else noun
        answer = listed(task, rows(result.records), thing, about(task), lead=lead, kind=kind or noun)
        return answer + cut_notice(result)

    return plan


def show(tool: str, lead: str) -> Plan:
    """Return the plan that calls a tool and shows its result, whatever it is."""

    def plan(task: Task) -> str:
        result = task.call(tool)
        title = f"### {name_of(result.record)}" if name_of(result.record) else lead
        return f"{title}\n\n{any_result(result, task.pages)}"

    return plan


def about(task: Task) -> str:
    """Return what the question is about, as the end of a sentence."""
    said = {slot: task.slots[slot] for slot in _ABOUT if slot in task.slots}
    links = {kind: task.link(kind, task.subject(kind)) for kind in ("project", "team", "environment") if kind in said}
    return "".join(_ABOUT[slot].format(text) for slot, text in (said | links).items())


def listed(
    task: Task, records: Sequence[Record], noun: str, reason: str = "", *, lead: str = "{}", kind: str = "project"
) -> str:
    """Render a list, or a count if the question asks for one."""
    number = len(records)
    told = f"{counted(number, noun)}{reason}"
    if not number:
        return f"I found {told.replace('**0**', 'no', 1)}."
    rows = table(records, task.pages, kind)
    if task.question.lower().startswith("how many"):
        return f"There {'is' if number == 1 else 'are'} {told}." + (f"\n\n{rows}" if number <= _FEW else "")
    return f"{lead.format(told) if number > 1 else told}:\n\n{rows}"


def list_kind(task: Task) -> str:
    """List or count all things of a kind."""
    kinds = task.slots["kinds"]
    result = task.call(f"list_{kinds.replace(' ', '_')}")
    return listed(task, result.records, kinds.removesuffix("s"), kind=kinds.removesuffix("s")) + cut_notice(result)


def describe(task: Task) -> str:
    """Describe one thing."""
    record = whole_subject(task)
    title, description = f"### {task.link(task.kind, record)}", text_of(record.pop("description", ""))
    return "\n\n".join(part for part in (title, description, fields(record)) if part)


def tell_field(task: Task) -> str:
    """Answer with one field of a thing."""
    record, said = whole_subject(task), task.slots["field"]
    value = record.get(_FIELDS.get(said, said.replace(" ", "_")))
    if not has_value(value):
        return f"{task.link(task.kind, record)} has no {said}."
    return f"The {said} of {task.link(task.kind, record)} is **{cell(value)}**."


def owner(task: Task) -> str:
    """Answer which team owns a project, and who its members are."""
    project = task.subject("project")
    team = project.get("team")
    if not isinstance(team, dict):
        return f"{task.link('project', project)} has no team in what I can see."
    members = task.call("list_team_members", slug=text_of(team.get("slug"))).records
    people = ", ".join(f"{cell(member)} ({text_of(member.get('email'))})" for member in members)
    answer = f"{task.link('project', project)} is owned by the team {task.link('team', team)}."
    return answer + (f"\n\nIts members are {people}." if people else "")


def compare(task: Task) -> str:
    """Compare two projects in a table."""
    found = [task.find("project", task.slots[slot]) for slot in ("project", "other")]
    outcomes = task.outcomes([task.call_of("get_project", project_id=project.get("id")) for project in found])
    records = [
        record if outcome.is_error else {**record, **parse_result(outcome.text).record}
        for record, outcome in zip(found, outcomes, strict=True)
    ]
    rows = []
    for key in dict.fromkeys(key for record in records for key in record):
        values = [record.get(key) for record in records]
        if key not in {"name", "slug", *HIDDEN} and any(map(has_value, values)):
            rows.append(f"| {heading(key)} | {' | '.join(map(cell, values))} |")
    heads = " | ".join(task.link("project", project) for project in found)
    return "\n".join([f"| | {heads} |", "| --- | --- | --- |", *rows])


def releases(task: Task) -> str:
    """List the releases of a project: those that run now, by environment, and the newest."""
    running, lead = task.call("list_current_releases").records, f"Releases{about(task)}"
    if "environment" in task.slots:
        place = name_of(task.subject("environment"))
        running = [record for record in running if cell(record.get("environment")) == place]
        return f"{lead}:\n\n{table(running, task.pages, 'release')}"
    newest = task.call("list_releases").records[:_MOST_RELEASES]
    tables = [
        f"{name}:\n\n{table(rows, task.pages, '')}" for name, rows in (("Running now", running), ("The newest", newest))
    ]
    return "\n\n".join([lead, *tables])


def recall(task: Task) -> str:
    """Quote the last question and answer of the earlier conversation that fits a subject best."""
    found = task.call("search_my_conversations").records
    if not found:
        raise CannotAnswer(f"I found no earlier conversation{about(task)}.")
    read = task.call("read_my_conversation", id=text_of(found[0].get("id"))).record
    messages = read.get("messages")
    said = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    last = {"You" if each.get("from") == "user" else "I": text_of(each.get("text"))[:_LONGEST_QUOTE] for each in said}
    lead = f"In the conversation **{cell(found[0].get('title'))}** ({cell(found[0].get('last_message'))}):"
    quoted = {who: text.replace("\n", "\n> ") for who, text in last.items()}
    quotes = [f"{who} said:\n\n> {quoted[who]}" for who in ("You", "I") if who in quoted]
    return "\n\n".join([lead, *quotes])


def related(direction: str) -> Rows:
    """Return the function that takes the projects of one direction out of the relationships of a project."""

    def rows(records: Sequence[Record]) -> list[Record]:
        found = [record.get("project") for record in records if record.get("direction") == direction]
        return [project for project in found if isinstance(project, dict)]

    return rows


def whole_subject(task: Task) -> Record:
    """Return the thing that a question is about with all its fields; a list of its kind has only some."""
    return {**task.subject(task.kind), **task.call(f"get_{task.kind.replace(' ', '_')}").record}
