"""The plan for lists of things: which ones, how many, grouped by team or by attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.attribute_filters import conditions
from local.demo_model.filter_parameters import optional_parameters
from local.demo_model.language import counted, plural, stems
from local.demo_model.lookups import describe
from local.demo_model.markdown import MOST_ROWS, cut_notice, table
from local.demo_model.name_matching import mentions
from local.demo_model.plan import CannotAnswer
from local.demo_model.record_filters import Selection, count_by, group_field, select, wanted_group, with_words
from local.demo_model.tool_input import build_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo_model.conversation import Call
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool import OfferedTool
    from local.demo_model.tool_results import ToolResult

_NAMED_WITH_COUNT = 12
"""The highest count for which the answer also names the things."""
MOST_UNKNOWN = 6
"""The highest number of words that the answer reports as not understood."""
_UNSAID = frozenset(
    stems(
        "team type kind number count environment project belong own written write use run runs name per each happened "
        "deployed deployments"
    )
)
"""Stems of the question that no condition needs to explain."""


def list_things(task: Task, tool: OfferedTool, about: str = "") -> Plan[str]:
    """List the things of a kind that the question asks for.

    Raises:
        CannotAnswer: no condition of the list explains the stem `about`.
    """
    given = (yield from optional_parameters(task, tool)) if _unexplained(task, tool, Selection(())) else {}
    said = [f"{key.removesuffix('_slug')} is **{value}**" for key, value in given.items()]
    if "slim" in tool.properties:
        given["slim"] = True
    call = yield from build_call(task, tool, given)
    result = yield from task.call(call)
    chosen = select(task.question, result.records, set(map(str, given.values()))).with_reasons(said)
    if about and about not in chosen.explained:
        raise CannotAnswer("")
    if not chosen.reasons and not task.question.head and mentions(task.question.text, chosen.records):
        return (yield from describe(task, tool.noun))
    if not said:
        chosen = yield from _narrowed(task, tool, call, chosen)
    if wanted_group(task.question):
        return (yield from _grouped(task, tool, call, chosen))
    return _answer(task, tool, chosen, result)


def describe_or_list(task: Task) -> Plan[str]:
    """Describe one thing, or list all things of a kind if the question asks for those."""
    for noun in task.catalogue.mentioned(task.question.stems):
        lister = task.catalogue.lister(noun)
        wants_all = task.question.head == noun[-1] or "every" in task.question.words
        if lister and wants_all and not (yield from task.find_all(noun)):
            return (yield from list_things(task, lister))
    return (yield from describe(task))


def _unexplained(task: Task, tool: OfferedTool, chosen: Selection) -> list[str]:
    known = {*tool.noun, *_UNSAID, *chosen.explained, *wanted_group(task.question)}
    return [part for part in task.question.topics if part not in known and not part.isdecimal()]


def _narrowed(task: Task, tool: OfferedTool, call: Call, chosen: Selection) -> Plan[Selection]:
    """Narrow a list by the unexplained words of the question: by attributes, else by the records' own words."""
    left = _unexplained(task, tool, chosen)
    if not left:
        return chosen
    found = yield from conditions(task, tool, call.input, left)
    if found:
        narrower = yield from build_call(
            task, tool, {**call.input, "filter": [condition.as_filter for condition in found]}
        )
        records = (yield from task.call(narrower)).records
        explained = frozenset(part for condition in found for part in condition.explained)
        chosen = select(task.question, records).with_reasons([str(condition) for condition in found], explained)
    return with_words(chosen, _unexplained(task, tool, chosen))


def _grouped(task: Task, tool: OfferedTool, call: Call, chosen: Selection) -> Plan[str]:
    """Count things by a field; if the short form of the list lacks the field, use the long form."""
    key = group_field(task.question, chosen.records)
    notice = ""
    if key is None and "slim" in call.input:
        result = yield from task.call((yield from build_call(task, tool, {**call.input, "slim": False})))
        notice = cut_notice(result)
        key = group_field(task.question, result.records)
        chosen = select(task.question, result.records)
    if key is None:
        return f"I do not know how to group {plural(tool.phrase)} by {' '.join(wanted_group(task.question))}."
    return _group_table(tool, chosen, key) + notice


def _group_table(tool: OfferedTool, chosen: Selection, key: str) -> str:
    rows = count_by(chosen.records, key)
    total = counted(len(chosen.records), tool.phrase)
    lines = "\n".join(f"| {row['name']} | {row['count']} |" for row in rows)
    head = key.removesuffix("_slug").replace("_", " ").capitalize()
    heads = f"| {head} | {plural(tool.phrase).capitalize()} |\n| --- | --- |"
    return f"{total}{_because(chosen)}, by {head.lower()}:\n\n{heads}\n{lines}"


def _answer(task: Task, tool: OfferedTool, chosen: Selection, result: ToolResult) -> str:
    number = len(chosen.records)
    lead = f"{counted(number, tool.phrase)}{_because(chosen)}"
    notice = cut_notice(result)
    left = [part for part in _unexplained(task, tool, chosen) if not chosen.reasons]
    if left and number:
        unknown = [f"“{word}”" for word in task.question.words if _is_about(word, left)]
        words = ", ".join(unknown[:MOST_UNKNOWN])
        notice += f"\n\n*I did not know what to make of {words}, so this is the whole list.*"
    if not number:
        return f"I found no {plural(tool.phrase)}{_because(chosen)}.{notice}"
    if task.question.counts:
        names = table(chosen.records, task.pages, tool.phrase) if number <= _NAMED_WITH_COUNT else ""
        return f"There {'is' if number == 1 else 'are'} {lead}." + (f"\n\n{names}" if names else "") + notice
    shown = f"{lead}, of which these are the first {MOST_ROWS}" if number > MOST_ROWS else lead
    return f"{shown}:\n\n{table(chosen.records, task.pages, tool.phrase)}{notice}"


def _is_about(word: str, parts: Sequence[str]) -> bool:
    return stems(word)[:1] != () and stems(word)[0] in parts


def _because(chosen: Selection) -> str:
    return f" whose {' and '.join(chosen.reasons)}" if chosen.reasons else ""
