"""The task of a plan: the question with the tools, the UI's pages and the earlier turns, and ways to find things."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from local.demo_model.conversation import Call, Outcome, Turn
from local.demo_model.language import counted, plural
from local.demo_model.name_matching import mentions, misspelt, name_of, nicknamed, similar
from local.demo_model.plan import CannotAnswer, call_one
from local.demo_model.tool import SCOPES
from local.demo_model.tool_results import ToolResult, parse_result, text_of
from local.demo_model.ui_pages import Pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from local.demo_model.catalogue import Catalogue
    from local.demo_model.plan import Plan
    from local.demo_model.question import Question
    from local.demo_model.tool import Noun, OfferedTool
    from local.demo_model.tool_results import Record

LOOK_BACK = 4
"""The number of earlier turns that are searched for the thing that "it" refers to."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that the question is about: its record and its kind."""

    record: Record
    phrase: str
    """The kind of thing, as people write it."""

    @property
    def name(self) -> str:
        """The name of the thing."""
        return name_of(self.record)


@dataclass(frozen=True)
class Task:
    """A question with everything that a plan needs to answer it.

    `context` is the UI's description of the page that the user looks at; `system` is the system prompt.
    """

    question: Question
    context: str
    earlier: Sequence[Turn]
    catalogue: Catalogue
    system: str

    @cached_property
    def pages(self) -> Pages:
        """The UI's pages."""
        return Pages(self.system)

    def call(self, call: Call) -> Plan[ToolResult]:
        """Make a call and parse its result.

        Raises:
            CallFailed: the call failed.
        """
        outcome = yield from call_one(call)
        return parse_result(outcome.text)

    def organization(self) -> Plan[str]:
        """Find the slug of the organization that the question names, else of the last one used, else of the first.

        Raises:
            CannotAnswer: the user sees no organization, or no tool lists organizations.
        """
        lister = self.catalogue.lister(("organization",))
        if lister is None:
            known = self._organization_before() or self.question.stated("organization")
            if known is None:
                raise CannotAnswer(
                    "I would have to know the organization's slug, and no tool that lists organizations is offered."
                )
            return known
        result = yield from self.call(Call(lister.name, {}))
        if not result.records:
            raise CannotAnswer("There is no organization that you can see, so there is nothing that I could look up.")
        named = mentions(self.question.text, result.records)
        before = self._organization_before()
        if not named and before in {record.get("slug") for record in result.records}:
            return str(before)
        return text_of((named[0].record if named else result.records[0]).get("slug"))

    def _organization_before(self) -> str | None:
        for turn in reversed(self.earlier):
            for outcome in reversed(turn.outcomes):
                for scope in SCOPES & outcome.call.input.keys():
                    return text_of(outcome.call.input[scope]) or None
        return None

    def listing(self, lister: OfferedTool, extra: dict[str, JsonValue] | None = None) -> Plan[ToolResult]:
        """Call a tool that lists a kind of thing, in its short form if it has one."""
        call = yield from self.listing_call(lister, extra)
        return (yield from self.call(call))

    def listing_call(self, lister: OfferedTool, extra: dict[str, JsonValue] | None = None) -> Plan[Call]:
        """Build the call of a tool that lists a kind of thing."""
        given: dict[str, JsonValue] = {}
        for name in lister.required:
            given[name] = yield from self.organization()
        if "slim" in lister.properties:
            given["slim"] = True
        return Call(lister.name, {**given, **(extra or {})})

    def find(self, noun: Noun, text: str | None = None) -> Plan[Subject]:
        """Find the thing of a kind that the question names or refers back to.

        Raises:
            CannotAnswer: there is none; the message suggests similar names.
        """
        found = yield from self.find_all(noun, text)
        if found:
            return found[0]
        lister = self._lister(noun)
        result = yield from self.listing(lister)
        if len(result.records) == 1 and set(noun) <= set(self.question.stems):
            return Subject(result.records[0], lister.phrase)
        near = similar(text or self.question.text, result.records)
        names = ", ".join(f"**{name_of(record)}**" for record in near or result.records[:4])
        lead = "Did you mean one of these:" if near else "There are, for example:"
        raise CannotAnswer(
            f"I could not tell which {lister.phrase} you mean: your question names none of the "
            f"{counted(len(result.records), lister.phrase)} that I can see." + (f" {lead} {names}." if names else "")
        )

    def find_all(self, noun: Noun, text: str | None = None) -> Plan[list[Subject]]:
        """Find all things of a kind that the question names; if it names none, those that it refers back to."""
        lister = self._lister(noun)
        result = yield from self.listing(lister)
        for source in [text] if text else self.sources:
            named = mentions(source, result.records) or nicknamed(source, result.records, lister.noun)
            if named:
                return [Subject(mention.record, lister.phrase) for mention in named]
            if source == (text or self.question.text) and (near := misspelt(source, result.records)):
                return [Subject(near, lister.phrase)]
        return []

    def _lister(self, noun: Noun) -> OfferedTool:
        lister = self.catalogue.lister(noun)
        if lister is None:
            raise CannotAnswer(
                f"No tool that lists {plural(' '.join(noun))} is offered to me, so I cannot look that up."
            )
        return lister

    @cached_property
    def sources(self) -> list[str]:
        """The texts that may name a thing: the question and, if it refers back, the earlier turns, newest first."""
        if not self.question.refers_back:
            return [self.question.text]
        sources = [self.question.text, self.context]
        for turn in list(reversed(self.earlier))[:LOOK_BACK]:
            sources += [turn.question, turn.context, turn.answer]
        return [source for source in sources if source]


def failure_of(outcome: Outcome) -> str:
    """Return the error message of a failed call, taken out of its JSON."""
    detail = parse_result(outcome.text).record.get("detail")
    if isinstance(detail, str):
        return detail
    found = re.search(r"(['\"])detail\1\s*:\s*(['\"])(.+?)\2\s*[,}]", outcome.text)
    return found[3] if found else outcome.text.strip()
