"""The task of a plan: the slots of the question, the earlier turns and the tools, and ways to look things up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from local.demo_model import kinds
from local.demo_model.conversation import Call
from local.demo_model.plan import CannotAnswer, call_one
from local.demo_model.tool_results import name_of, parse_result, text_of
from local.demo_model.ui_pages import Pages
from local.demo_model.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.conversation import Turn
    from local.demo_model.kinds import Kind
    from local.demo_model.plan import Plan
    from local.demo_model.tool_results import Record, ToolResult
    from local.demo_model.tools import Tools


@dataclass(frozen=True)
class Task:
    """A question with everything that a plan needs to answer it."""

    question: str
    """The question, normalized."""
    slots: Mapping[str, str]
    """What the question says in the slots of its pattern."""
    context: str
    """The UI's description of the page that the user looks at."""
    earlier: Sequence[Turn]
    tools: Tools
    system: str
    """The system prompt."""

    @cached_property
    def pages(self) -> Pages:
        """The UI's pages."""
        return Pages(self.system)

    @property
    def counts(self) -> bool:
        """Whether the question asks for a number only."""
        return self.question.lower().startswith("how many")

    def call(self, tool: str, **arguments: JsonValue) -> Plan[ToolResult]:
        """Call a tool and parse its result; arguments that are None are left out.

        Raises:
            CallFailed: the call failed.
            ToolMissing: the tool is not offered.
        """
        outcome = yield from call_one(self.call_of(tool, **arguments))
        return parse_result(outcome.text)

    def call_of(self, tool: str, **arguments: JsonValue) -> Call:
        """Return the call of a tool; arguments that are None are left out.

        Raises:
            ToolMissing: the tool is not offered.
        """
        return Call(self.tools.name(tool), {name: value for name, value in arguments.items() if value is not None})

    def organization(self) -> Plan[str]:
        """Return the slug of the organization that the conversation used last, else of the user's first one."""
        for turn in reversed(self.earlier):
            for outcome in reversed(turn.outcomes):
                if (before := text_of(outcome.call.input.get("org_slug"))) and not outcome.is_error:
                    return before
        found = (yield from self.call("list_organizations")).records
        if not found:
            raise CannotAnswer("There is no organization that you can see, so there is nothing that I could look up.")
        return text_of(found[0].get("slug"))

    def scope(self, kind: Kind) -> Plan[dict[str, JsonValue]]:
        """Return the arguments that every tool of a kind takes."""
        return {"org_slug": (yield from self.organization())} if kind.is_scoped else {}

    def identity(self, kind: Kind, record: Record) -> Plan[dict[str, JsonValue]]:
        """Return the arguments that identify a thing."""
        parameter, field = kind.key
        scope = yield from self.scope(kind)
        return {parameter: record.get(field), **scope}

    def listing(self, kind: Kind, **arguments: JsonValue) -> Plan[ToolResult]:
        """List all things of a kind, projects in their short form."""
        self.tools.name(kind.lister)
        scope = yield from self.scope(kind)
        if kind == kinds.PROJECT:
            scope["slim"] = True
        return (yield from self.call(kind.lister, **scope, **arguments))

    def find(self, kind: Kind, said: str | None) -> Plan[Record]:
        """Return the thing of a kind that people call so, or that a pronoun or nothing refers to.

        Raises:
            CannotAnswer: there is none; the message suggests similar names.
        """
        records = (yield from self.listing(kind)).records
        if said is None or kinds.is_pronoun(said):
            for text in self._before():
                if found := kinds.first_mentioned(records, text):
                    return found
            raise CannotAnswer(f"I do not know which {kind.phrase} you mean. Please name it.")
        if found := kinds.named(records, said, kind):
            return found
        near = kinds.similar(records, said)
        hint = f" Did you mean {' or '.join(f'**{name}**' for name in near)}?" if near else ""
        raise CannotAnswer(f"I find no {kind.phrase} named “{said}” among the {plural(kind.phrase)} that I see.{hint}")

    def _before(self) -> Iterator[str]:
        """Yield the texts that may name what a pronoun refers to, the nearest first."""
        yield self.context
        for turn in reversed(self.earlier):
            yield from (turn.question, turn.answer, turn.context)

    def link(self, kind: Kind, record: Record) -> str:
        """Return the name of a thing in bold, as a link to its page if it has one."""
        return f"**{self.pages.link(kind.phrase, record, name_of(record))}**"
