"""The gate before tool calls: what runs, what asks, what is refused, and what an approval is bound to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.domain.approval_policy import ApprovalMode, ApprovalPolicy
from shared.domain.approval_rules import parse_rules
from shared.domain.approvals import Approved
from shared.domain.call_facts import CallFacts
from shared.domain.events import ToolCall, ToolResult, ToolsFinished
from shared.domain.models import Caller, Principal
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.gate import digest_of
from shared.tools.toolbox import CallerTools, Toolbox
from shared.tools.toolset import BaseToolset

if TYPE_CHECKING:
    from shared.domain.call_facts import Effect
    from shared.domain.models import JsonObject

CALLER = Caller(Principal("a@example.com", "A"), "token")
READ = CallFacts(name="read", source="imbi_api", effect="read", operation="GET /x", method="GET", path="/x")

pytestmark = pytest.mark.anyio


class Things(BaseToolset):
    """Tools named by their effects, which note the calls that reach them."""

    def __init__(self) -> None:
        self.effects: dict[str, Effect] = {"read": "read", "write": "write", "delete": "destructive"}
        self.address = "http://api"
        self.ran: list[str] = []
        self.accepted: list[str] = []
        self.changed: set[str] = set()

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's
        return tuple(ToolDefinition(name, "Does it.", {"type": "object"}) for name in self.effects)

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:  # noqa: ARG002  # the port's
        path = None if "wrong" in arguments else "/x"
        facts = replace(READ, name=name, effect=self.effects[name], operation=f"{name} at {self.address}", path=path)
        return replace(facts, is_changed=name in self.changed)

    async def preview(self, name: str, arguments: JsonObject, caller: Caller) -> tuple[JsonObject, ...]:  # noqa: ARG002  # the port's
        if "broken" in arguments:
            raise ValueError("broken")
        return ({"path": "/name", "before": name, "after": None},)

    async def accept(self, name: str) -> None:
        self.accepted.append(name)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        self.ran.append(name)
        return ToolOutput("done")


def tools_of(things: Things, mode: ApprovalMode = "destructive", rules: str = "") -> CallerTools:
    return Toolbox([things], policy=ApprovalPolicy(mode, parse_rules(rules))).for_caller(CALLER)


def calls_of(*names: str, **arguments: str) -> list[ToolCall]:
    return [ToolCall(f"c{number}", name, {**arguments}) for number, name in enumerate(names)]


async def results_of(tools: CallerTools, calls: list[ToolCall], approved: str | None = None) -> list[ToolResult]:
    given = Approved("an approval", approved) if approved else None
    async for event in tools.run(calls, given):
        if isinstance(event, ToolsFinished):
            return list(event.results)
    raise AssertionError("the calls did not finish")


@pytest.mark.parametrize(
    ("mode", "rules", "decisions"),
    [
        ("off", "", "auto auto auto"),
        ("destructive", "", "auto auto ask"),
        ("writes", "", "auto ask ask"),
        ("writes", "delete=auto", "auto ask auto"),
        ("destructive", "w*=deny", "auto deny ask"),
        ("off", "read=ask", "ask auto auto"),
        ("destructive", "*=auto,delete=ask", "auto auto auto"),
    ],
)
async def test_rules_come_first_and_then_the_mode(mode: ApprovalMode, rules: str, decisions: str) -> None:
    policy = ApprovalPolicy(mode, parse_rules(rules))
    things = Things()
    found = [policy.decide(things.facts(name, {}, CALLER.principal)) for name in things.effects]
    assert " ".join(found) == decisions


async def test_our_own_tools_that_only_read_run_whatever_the_rules_say() -> None:
    policy = ApprovalPolicy("writes", parse_rules("*=deny"))
    own = BaseToolset().facts("search_tools", {}, CALLER.principal)
    assert policy.decide(own) == "auto"
    assert policy.decide(replace(own, effect="write")) == "deny"


async def test_one_call_that_asks_stops_all_and_shows_everything_that_changes() -> None:
    review = await tools_of(Things()).review(calls_of("read", "write", "delete"))
    assert review is not None
    assert [asked.name for asked in review.asked] == ["write", "delete"]
    assert review.asked[1].changes == ({"path": "/name", "before": "delete", "after": None},)
    assert await tools_of(Things()).review(calls_of("read", "write")) is None
    assert await tools_of(Things(), "off").review(calls_of("delete")) is None


async def test_a_preview_that_fails_does_not_stop_the_question() -> None:
    review = await tools_of(Things()).review(calls_of("delete", broken="yes"))
    assert review is not None
    assert review.asked[0].changes == ()


async def test_a_call_that_cannot_be_sent_asks_nobody() -> None:
    assert await tools_of(Things()).review(calls_of("delete", wrong="yes")) is None
    assert await tools_of(Things()).review(calls_of("unknown")) is None


async def test_nothing_that_asks_runs_without_its_approval() -> None:
    things = Things()
    first, second = await results_of(tools_of(things), calls_of("delete", "read"))
    assert first.is_error
    assert "needs the user's approval" in str(first.content)
    assert not second.is_error
    assert things.ran == ["read"]


async def test_a_denied_call_says_so_even_if_it_was_approved() -> None:
    things = Things()
    tools = tools_of(things, rules="delete=deny")
    calls = calls_of("delete")
    digest = digest_of((call, tools.facts_of(call)) for call in calls)
    for approved in (None, digest):
        (result,) = await results_of(tools, calls, approved)
        assert result.is_error
        assert "do not allow" in str(result.content)
    assert things.ran == []


async def test_an_approval_runs_exactly_the_approved_calls() -> None:
    things = Things()
    things.changed.add("read")
    tools = tools_of(things)
    calls = calls_of("read", "delete")
    review = await tools.review(calls)
    assert review is not None
    assert [result.is_error for result in await results_of(tools, calls, review.digest)] == [False, False]
    assert sorted(things.ran) == ["delete", "read"]
    assert things.accepted == ["read"]


@pytest.mark.parametrize("change", ["input", "address", "gone", "more"])
async def test_an_approval_of_other_calls_runs_nothing(change: str) -> None:
    things = Things()
    tools = tools_of(things)
    calls = calls_of("read", "delete")
    review = await tools.review(calls)
    assert review is not None
    match change:
        case "input":
            calls[1] = replace(calls[1], input={"id": "other"})
        case "address":
            things.address = "http://other"
        case "gone":
            del things.effects["delete"]
        case _:
            calls.append(ToolCall("c9", "write", {}))
    results = await results_of(tools, calls, review.digest)
    assert all(result.is_error and "not run" in str(result.content) for result in results)
    assert things.ran == []


async def test_a_changed_tool_asks_whatever_it_does() -> None:
    things = Things()
    things.changed.add("read")
    review = await tools_of(things).review(calls_of("read"))
    assert review is not None
    assert await tools_of(things, "off").review(calls_of("read")) is None
