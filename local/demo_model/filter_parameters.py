"""Fills optional parameters that narrow a list to a project, team, environment or person that the question names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.name_matching import mentions, nicknamed
from local.demo_model.plan import call_all
from local.demo_model.tool_input import IDENTIFIERS, identifier, noun_of
from local.demo_model.tool_results import parse_result

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_model.conversation import Call
    from local.demo_model.plan import Plan
    from local.demo_model.task import Task
    from local.demo_model.tool import Noun, OfferedTool

_LIKELY: frozenset[Noun] = frozenset({("project",), ("team",), ("environment",)})
"""Kinds of things that people name without saying the kind."""


def optional_parameters(task: Task, tool: OfferedTool) -> Plan[dict[str, JsonValue]]:
    """Return values for the parameters that narrow a list to things that the question names."""
    wanted = _narrowing(task, tool)
    if not wanted:
        return {}
    calls: dict[str, Call] = {}
    for name, lister in wanted.items():
        calls[name] = yield from task.listing_call(lister)
    outcomes = yield from call_all(list(calls.values()))
    records = {
        name: [] if outcome.is_error else parse_result(outcome.text).records
        for name, outcome in zip(calls, outcomes, strict=True)
    }
    everything = [record for name in records for record in records[name]]
    values: dict[str, JsonValue] = {}
    for source in task.sources:
        named = mentions(source, everything)
        for name, lister in wanted.items():
            named += nicknamed(source, records[name], lister.noun)
        for mention in named:
            name = next(name for name in records if any(mention.record is record for record in records[name]))
            values.setdefault(name, identifier(name, mention.record))
        if values:
            break
    return values


def _narrowing(task: Task, tool: OfferedTool) -> dict[str, OfferedTool]:
    """Return the optional parameters that take a thing that is likely named, with the tools that list such things."""
    found: dict[Noun, str] = {}
    for name in tool.properties:
        noun = noun_of(task, tool, name) if name not in tool.required and name not in IDENTIFIERS else None
        likely = _LIKELY | ({("user",)} if {"by", "did", "who"}.intersection(task.question.words) else set())
        is_likely = noun is not None and (noun in likely or set(noun) <= set(task.question.stems))
        if noun is not None and is_likely and (noun not in found or name.endswith("slug")):
            found[noun] = name
    listers = {name: task.catalogue.lister(noun) for noun, name in found.items()}
    return {name: lister for name, lister in listers.items() if lister is not None}
