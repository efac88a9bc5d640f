"""Users do anything with approvals: nothing changes without one, nothing is decided twice, and all is accounted for.

The variable APPROVAL_TURNS says how many turns the slow test has (600), APPROVAL_SEED which (a new one each time).
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.approval_api import ApprovalApi
from tests.support.approval_users import RandomModel, Street, User, messages_of
from tests.support.audit_rows import intents_of, query, rows_of
from tests.support.background import served
from tests.support.service import token_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.conftest import StartService
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

TURNS = int(os.environ.get("APPROVAL_TURNS", "600"))
ACTS = 14
"""Acts in one conversation."""
SIDE_BY_SIDE = 4
FEW = {"writes": ("writes", ""), "other": ("writes", "")}
ALL = FEW | {"destructive": ("destructive", ""), "off": ("off", ""), "denied": ("writes", "delete_*=deny")}
"""Services in processes of their own, by their names, each with its policy and its rules."""

pytestmark = pytest.mark.proves(
    "approvals.effects", "approvals.once", "approvals.replayable", "audit.one-row", "turn.replayable"
)


@pytest.fixture
def api() -> Iterator[tuple[ApprovalApi, str]]:
    found = ApprovalApi()
    with served(found.app) as url:
        yield found, url


async def run(
    start: StartService, database: Database, api: tuple[ApprovalApi, str], policies: Mapping[str, Any], turns: int
) -> None:
    """Let users act until there were so many turns, and check each conversation."""
    seed = os.environ.get("APPROVAL_SEED", secrets.token_hex(4))
    chance = random.Random(seed)  # noqa: S311  # acts, not secrets
    urls = {
        name: start(
            IMBI_INTERNAL_API_URL=api[1],
            IMBI_ASSISTANT_APPROVALS=mode,
            IMBI_ASSISTANT_APPROVAL_RULES=rules,
            IMBI_ASSISTANT_MAX_TOOL_ROUNDS="3",
            IMBI_ASSISTANT_TOOL_SEARCH="off",
        ).url
        for name, (mode, rules) in policies.items()
    }
    async with (
        Street(urls, token_of(await database.add_user()), database, chance) as street,
        asyncio.TaskGroup() as all_,
    ):
        for _ in range(SIDE_BY_SIDE):
            all_.create_task(conversations(street, api[0], turns, f"APPROVAL_SEED={seed}"))
    check_decisions(street)
    print(f"{street.turns} turns, {len(api[0].effects)} effects, {dict(street.statuses)}")  # noqa: T201  # for pytest -s


async def conversations(street: Street, api: ApprovalApi, turns: int, seed: str) -> None:
    """Have one conversation after the other."""
    while street.turns < turns:
        created = await next(iter(street.clients.values())).post("/conversations", json={})
        user = User(street, created.json()["id"])
        for _ in range(ACTS):
            await user.act()
        await user.ask("no")
        await check(street, api, user.conversation, f"{seed}, conversation {user.conversation}")


async def check(street: Street, api: ApprovalApi, conversation: str, where: str) -> None:
    """Check a conversation: its effects had approvals, and each call has one row in the audit."""
    rows = await rows_of(street.database, conversation)
    of_path = Counter(row["path"] for row in rows)
    select = "SELECT id, decision, calls FROM {}.imbi_assistant_approval WHERE conversation_id = %s"
    approvals = {found[0]: found for found in await query(street.database, select, conversation)}
    by_name = {row["path"].rpartition("/")[2]: row for row in rows if row["path"]}
    for effect in [each for each in api.effects if each.name in by_name]:
        sent, row = street.sent[effect.request_id], by_name[effect.name]
        assert of_path[row["path"]] == 1, f"{where}: {[each for each in rows if each['path'] == row['path']]}"
        assert row["status"] in {"ok", "unknown"}, f"{where}: {row}"
        if sent.service in {"writes", "other", "denied"} or (sent.service, effect.method) == ("destructive", "DELETE"):
            assert sent.approves, f"{where}: {effect} had no approval"
            _, decision, calls = approvals[row["approval_id"]]
            assert decision == "approve", f"{where}: {effect}"
            assert f'"{effect.name}"' in calls, f"{where}: {effect}"
        assert (sent.service, effect.method) != ("denied", "DELETE"), f"{where}: {effect}"
    await check_rows(street, conversation, Counter(row["call_id"] for row in rows), where)


async def check_rows(street: Street, conversation: str, rows: Counter[str], where: str) -> None:
    """Check that each call has one row, unless it still waits for its approval, and that no intent is left."""
    messages = await messages_of(street, conversation)
    assert [each["sequence"] for each in messages] == list(range(len(messages))), where
    calls = [call["id"] for each in messages for call in each["tool_use"] or ()]
    waiting = {call["id"] for call in messages[-1]["tool_use"] or ()}
    assert dict(rows) == {call: 1 for call in calls if call not in waiting}, where
    results: dict[str, Any] = {}
    for result in [each for message in messages for each in message["tool_results"] or ()]:
        assert results.setdefault(result["tool_use_id"], result) == result, f"{where}: two different results"
    current = [each for each in messages if not each["is_superseded"]]
    answered = Counter(each["tool_use_id"] for message in current for each in message["tool_results"] or ())
    called = [call["id"] for each in current for call in each["tool_use"] or ()]
    assert dict(answered) == {call: 1 for call in called if call not in waiting}, where
    assert await intents_of(street.database, conversation) == 0, where


def check_decisions(street: Street) -> None:
    """Check that no approval was decided twice, and that nothing changed twice."""
    assert all(count == 1 for count in Counter(approval for approval, _ in street.accepted).values())


async def test_nothing_changes_without_approval_in_random_turns(
    start_service: StartService, database: Database, model_server: ModelServer, api: tuple[ApprovalApi, str]
) -> None:
    model_server.script(*[RandomModel(random.Random())] * 1_000)  # noqa: S311  # replies, not secrets
    await run(start_service, database, api, FEW, 60)
    check_effects(api[0])


@pytest.mark.slow
@pytest.mark.timeout(120 + TURNS // 4)
async def test_nothing_changes_without_approval_in_many_random_turns(
    start_service: StartService, database: Database, model_server: ModelServer, api: tuple[ApprovalApi, str]
) -> None:
    model_server.script(*[RandomModel(random.Random())] * (TURNS * 5))  # noqa: S311  # replies, not secrets
    await run(start_service, database, api, ALL, TURNS)
    check_effects(api[0])


def check_effects(api: ApprovalApi) -> None:
    """Check that there were effects, none of them twice."""
    counts = Counter((each.method, each.name) for each in api.effects)
    assert counts
    assert all(count == 1 for count in counts.values())
