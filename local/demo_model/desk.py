"""What every plan works with: the question, what was said before, the tools and pages, and how to find and ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from local.demo_model.conversation import Call, Exchange, Outcome
from local.demo_model.language import counted, plural
from local.demo_model.pages import Pages
from local.demo_model.plan import Stuck, one
from local.demo_model.reading import Reading, read, text_of
from local.demo_model.things import mentions, misspelt, name_of, nicknamed, similar
from local.demo_model.tools import SCOPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from local.demo_model.plan import Plan
    from local.demo_model.question import Question
    from local.demo_model.reading import Record
    from local.demo_model.tools import Catalogue, Noun, Offer

LOOK_BACK = 4
"""How many earlier exchanges may say what "it" is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that the question is about."""

    record: Record
    phrase: str
    """What kind of thing it is, in words."""

    @property
    def name(self) -> str:
        """What people call it."""
        return name_of(self.record)


@dataclass(frozen=True)
class Desk:
    """One question with all that there is to answer it."""

    question: Question
    context: str
    earlier: Sequence[Exchange]
    catalogue: Catalogue
    system: str

    @cached_property
    def pages(self) -> Pages:
        """The UI's pages."""
        return Pages(self.system)

    def read(self, call: Call) -> Plan[Reading]:
        """Make a call and read its result.

        Raises:
            CallFailed: it failed.
        """
        outcome = yield from one(call)
        return read(outcome.text)

    def organization(self) -> Plan[str]:
        """The slug of the organization that the question is about, else of the one in use, else of the first.

        Raises:
            Stuck: there is none, or no tool that lists them.
        """
        lister = self.catalogue.lister(("organization",))
        if lister is None:
            known = self._organization_before() or self.question.stated("organization")
            if known is None:
                raise Stuck(
                    "I would have to know the organization's slug, and no tool that lists organizations is offered."
                )
            return known
        reading = yield from self.read(Call(lister.name, {}))
        if not reading.records:
            raise Stuck("There is no organization that you can see, so there is nothing that I could look up.")
        named = mentions(self.question.text, reading.records)
        before = self._organization_before()
        if not named and before in {record.get("slug") for record in reading.records}:
            return str(before)
        return text_of((named[0].record if named else reading.records[0]).get("slug"))

    def _organization_before(self) -> str | None:
        for exchange in reversed(self.earlier):
            for outcome in reversed(exchange.outcomes):
                for scope in SCOPES & outcome.call.input.keys():
                    return text_of(outcome.call.input[scope]) or None
        return None

    def listing(self, lister: Offer, extra: dict[str, JsonValue] | None = None) -> Plan[Reading]:
        """Call a tool that lists a kind of thing, as briefly as it can be told to answer."""
        call = yield from self.listing_call(lister, extra)
        return (yield from self.read(call))

    def listing_call(self, lister: Offer, extra: dict[str, JsonValue] | None = None) -> Plan[Call]:
        """Work out the call of a tool that lists a kind of thing."""
        given: dict[str, JsonValue] = {}
        for name in lister.required:
            given[name] = yield from self.organization()
        if "slim" in lister.properties:
            given["slim"] = True
        return Call(lister.name, {**given, **(extra or {})})

    def find(self, noun: Noun, text: str | None = None) -> Plan[Found]:
        """The one thing of a kind that the question names, or that it refers back to.

        Raises:
            Stuck: there is none; the message suggests what may have been meant.
        """
        found = yield from self.find_all(noun, text)
        if found:
            return found[0]
        lister = self._lister(noun)
        reading = yield from self.listing(lister)
        if len(reading.records) == 1 and set(noun) <= set(self.question.stems):
            return Found(reading.records[0], lister.phrase)
        near = similar(text or self.question.text, reading.records)
        names = ", ".join(f"**{name_of(record)}**" for record in near or reading.records[:4])
        lead = "Did you mean one of these:" if near else "There are, for example:"
        raise Stuck(
            f"I could not tell which {lister.phrase} you mean: your question names none of the "
            f"{counted(len(reading.records), lister.phrase)} that I can see." + (f" {lead} {names}." if names else "")
        )

    def find_all(self, noun: Noun, text: str | None = None) -> Plan[list[Found]]:
        """All things of a kind that the question names; where it names none, what it refers back to."""
        lister = self._lister(noun)
        reading = yield from self.listing(lister)
        for source in [text] if text else self.sources:
            named = mentions(source, reading.records) or nicknamed(source, reading.records, lister.noun)
            if named:
                return [Found(mention.record, lister.phrase) for mention in named]
            if source == (text or self.question.text) and (near := misspelt(source, reading.records)):
                return [Found(near, lister.phrase)]
        return []

    def _lister(self, noun: Noun) -> Offer:
        lister = self.catalogue.lister(noun)
        if lister is None:
            raise Stuck(f"No tool that lists {plural(' '.join(noun))} is offered to me, so I cannot look that up.")
        return lister

    @cached_property
    def sources(self) -> list[str]:
        """The texts that may name a thing: the question, then, if it refers to something else, what came before."""
        if not self.question.refers_back:
            return [self.question.text]
        sources = [self.question.text, self.context]
        for exchange in list(reversed(self.earlier))[:LOOK_BACK]:
            sources += [exchange.question, exchange.context, exchange.answer]
        return [source for source in sources if source]


def failure_of(outcome: Outcome) -> str:
    """What a failed call said, without the quotation marks of JSON."""
    detail = read(outcome.text).record.get("detail")
    if isinstance(detail, str):
        return detail
    found = re.search(r"(['\"])detail\1\s*:\s*(['\"])(.+?)\2\s*[,}]", outcome.text)
    return found[3] if found else outcome.text.strip()
