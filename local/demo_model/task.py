"""The question that is being answered, and what a plan uses to answer it: its words, what came before, the tools.

The Messages API is stateless, so a plan runs from its beginning on every request. Calls that the conversation already
has the results of are answered from there. At the first call without a result, `CallsNeeded` ends the plan, and the
reply is that call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from local.demo_model import names
from local.demo_model.tool_results import name_of, parse_result, text_of
from local.demo_model.wording import plural
from local.messages_api.reply import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from local.demo_model.conversation import Outcome, Turn
    from local.demo_model.tool_results import Record, ToolResult
    from local.demo_model.tools import Tools
    from local.demo_model.ui_pages import Pages

KINDS = ("project type", "project", "team", "environment", "organization", "role", "user")
"""The kinds of things that tools take by an identifier; a name before those that it contains."""
_USUAL, _MOST = 12, 100
"""The number of entries if the question gives none; and if it asks about a span of time."""
_T = TypeVar("_T")
_HOURS = {"hour": 1, "day": 24, "week": 24 * 7}


class CannotAnswer(Exception):
    """The plan cannot continue; the message tells the user the reason, in Markdown."""


class CallFailed(Exception):
    """A call that the plan requires has failed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class CallsNeeded(Exception):
    """The plan needs the results of these calls."""

    def __init__(self, calls: Sequence[Call]) -> None:
        super().__init__(*calls)
        self.calls = calls


def gathered(functions: Iterable[Callable[[], _T]]) -> list[_T]:
    """Return the results of functions that call tools, so that the calls which they all need are made in parallel.

    Raises:
        CallsNeeded: some of them need results; the calls are those of all.
    """
    results: list[_T] = []
    needed: dict[tuple[str, bytes], Call] = {}
    for function in functions:
        try:
            results.append(function())
        except CallsNeeded as missing:
            needed |= {call.key: call for call in missing.calls}
    if needed:
        raise CallsNeeded([*needed.values()])
    return results


@dataclass(frozen=True)
class Task:
    """A question that was understood, and its means."""

    question: str
    """The question, normalized."""
    slots: Mapping[str, str]
    """What the question says in the slots of its form. A slot has the name of a kind of thing or of a parameter."""
    turns: Sequence[Turn]
    """The conversation; the last one is the question's."""
    tools: Tools
    pages: Pages

    @property
    def kind(self) -> str:
        """The kind of the thing that the question is about: a project, if it does not say that."""
        return self.slots.get("kind", "project")

    def call(self, tool: str, **given: JsonValue) -> ToolResult:
        """Call a tool and parse its result; the arguments are those of `call_of`.

        Raises:
            CallsNeeded: there is no result yet.
            CallFailed: the call failed.
            ToolMissing: the tool is not offered.
        """
        [outcome] = self.outcomes([self.call_of(tool, **given)])
        if outcome.is_error:
            raise CallFailed(outcome)
        return parse_result(outcome.text)

    def outcomes(self, calls: Sequence[Call]) -> list[Outcome]:
        """Make calls in parallel; a failed call is an outcome, not an exception.

        Raises:
            CallsNeeded: there is no result yet.
        """
        known = {outcome.call.key: outcome for outcome in self.turns[-1].outcomes}
        if missing := [call for call in calls if call.key not in known]:
            raise CallsNeeded(missing)
        return [known[call.key] for call in calls]

    def call_of(self, tool: str, **given: JsonValue) -> Call:
        """Return the call of a tool. The question fills in the parameters of its definition that are not given.

        Raises:
            ToolMissing: the tool is not offered.
        """
        name = self.tools.name(tool)
        parameters = self.tools.properties(name).items()
        filled = {each: self._argument(name, each, is_required=own) for each, own in parameters if each not in given}
        return Call(name, {key: value for key, value in (filled | given).items() if value is not None})

    def _argument(self, tool: str, parameter: str, *, is_required: bool) -> JsonValue:
        """Return what the question says for a parameter; None if that is nothing."""
        if parameter in {"org_slug", "org"}:
            return self.organization
        if parameter in {"limit", "number"}:
            return int(self.slots.get("number", _MOST if "span" in self.slots else _USUAL))
        if parameter in {"slim", "since"}:
            return parameter == "slim" or self._since(tool)
        for kind in KINDS:
            noun = kind.replace(" ", "_")
            is_own = parameter in {"slug", "email"} - self.slots.keys() and noun in tool
            if (is_own or parameter in {f"{noun}_id", f"{noun}_slug"}) and (is_required or noun in self.slots):
                return self.subject(kind).get(parameter.removeprefix(f"{noun}_"))
        return self.slots.get(parameter)

    @cached_property
    def organization(self) -> str:
        """The slug of the organization that the conversation used last, else of the user's first one."""
        for turn in reversed(self.turns[:-1]):
            for outcome in reversed(turn.outcomes):
                if (before := text_of(outcome.call.input.get("org_slug"))) and not outcome.is_error:
                    return before
        found = self.call("list_organizations").records
        if not found:
            raise CannotAnswer("There is no organization that you can see, so there is nothing that I could look up.")
        return text_of(found[0].get("slug"))

    def _since(self, tool: str) -> str | None:
        """Return the beginning of the time that the question asks about; the one of the first call stays."""
        if not (span := self.slots.get("span")):
            return None
        for outcome in self.turns[-1].outcomes:
            if outcome.call.name == tool and (before := text_of(outcome.call.input.get("since"))):
                return before
        now = datetime.now(UTC).replace(microsecond=0)
        if span == "today":
            return now.replace(hour=0, minute=0, second=0).isoformat()
        *_, unit = words = span.split()
        number = next((int(word) for word in words if word.isdecimal()), 1)
        return (now - timedelta(hours=number * _HOURS[unit.removesuffix("s")])).isoformat()

    def subject(self, kind: str) -> Record:
        """Return the thing of a kind that the question is about; see `find`."""
        said = self.slots.get(kind.replace(" ", "_"))
        if kind == "organization" and said is None:
            return {"slug": self.organization}
        return self.find(kind, said)

    def find(self, kind: str, said: str | None, **given: JsonValue) -> Record:
        """Return the thing of a kind that people call so, or that a pronoun or nothing refers to.

        Raises:
            CannotAnswer: there is none; the message suggests similar names.
        """
        records = self.call(f"list_{plural(kind).replace(' ', '_')}", **given).records
        if said is None or names.is_pronoun(said):
            for text in self._before():
                if found := names.first_mentioned(records, text):
                    return found
            raise CannotAnswer(f"I do not know which {kind} you mean. Please name it.")
        if found := names.named(records, said, kind):
            return found
        if kind == "team" and (project := names.named(self.call("list_projects").records, said, "project")):
            return team if isinstance(team := project.get("team"), dict) else {}
        near = names.similar(records, said)
        hint = f" Did you mean {' or '.join(f'**{name}**' for name in near)}?" if near else ""
        raise CannotAnswer(f"I find no {kind} named “{said}” among the {plural(kind)} that I see.{hint}")

    def _before(self) -> Iterator[str]:
        """Yield the texts that may name what a pronoun refers to, the nearest first."""
        yield self.turns[-1].context
        for turn in reversed(self.turns[:-1]):
            yield from (turn.question, turn.answer, turn.context)

    def link(self, kind: str, record: Record) -> str:
        """Return the name of a thing in bold, as a link to its page if it has one."""
        return f"**{self.pages.link(kind, record, name_of(record))}**"
