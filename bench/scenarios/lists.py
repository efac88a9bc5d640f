"""Listing and reading conversations, for users with 1, 20, 5,000 and 100,000 conversations of ten messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.client import Target, exchange
from bench.environment import token_of
from bench.figures import Figure, Goal, percentile
from tests.support.multitude import add_conversations
from tests.support.statement_plans import ALL, WITHOUT_CLEANING, plan_of

if TYPE_CHECKING:
    from bench.client import Outcome
    from bench.environment import Bench, Floor, Service

_MESSAGES = 10
_GROWTH = Goal(1.3)
_LARGE = frozenset({"Conversation", "Message"})


async def measure(bench: Bench) -> list[Figure]:
    """List twenty conversations, and read one."""
    sizes = (1, 20, 5_000) if bench.is_quick else (1, 20, 5_000, 100_000)
    users = {size: await _user(bench, size) for size in sizes}
    figures = []
    list_times = {}
    async with bench.service("0") as service, bench.floor() as floor:
        for size, (email, conversation_id) in users.items():
            for name, path in (("list of 20", "/conversations"), ("read one", f"/conversations/{conversation_id}")):
                ours, theirs = await _times(bench, service, floor, email, path)
                if name == "list of 20":
                    list_times[size] = ours
                figures.append(Figure("lists", f"{name} among {size:,}", "ms", ours, theirs))
    growth = list_times[5_000] / list_times[20]
    return [
        *figures,
        Figure("lists", "list of 20 among 5,000 over among 20", "", growth, goal=_GROWTH),
        Figure("lists", f"statements that scan {sum(sizes):,} conversations", "", await _scans(bench), goal=Goal(0)),
    ]


async def _scans(bench: Bench) -> int:
    """Count the service's statements whose plan scans all conversations or messages."""
    plans = [await plan_of(bench.database, statement) for statement in (ALL[name] for name in WITHOUT_CLEANING)]
    return sum(
        any(node["Node Type"] == "Seq Scan" and node["Relation Name"] in _LARGE for node in plan) for plan in plans
    )


async def _user(bench: Bench, conversations: int) -> tuple[str, str]:
    email = await bench.database.add_user()
    ids = await add_conversations(bench.database, email, conversations, _MESSAGES)
    return email, ids


async def _times(bench: Bench, service: Service, floor: Floor, email: str, path: str) -> tuple[float, float]:
    """Return the medians of service and relay in milliseconds; the relay copies as many bytes."""
    authorized = f"authorization: Bearer {token_of(email)}\r\n".encode()
    ours = Target(service.target.host, service.target.port, authorized, b"{", b"")
    size = (await exchange(ours, "GET", path)).size
    mine: list[Outcome] = []
    theirs: list[Outcome] = []
    for _ in range(20 if bench.is_quick else 60):
        mine.append(await exchange(ours, "GET", path))
        theirs.append(await exchange(floor.target, "GET", f"/bytes/{size}"))
    assert all(outcome.is_good for outcome in mine)  # noqa: S101  # nothing can be measured
    return _median(mine), _median(theirs)


def _median(outcomes: list[Outcome]) -> float:
    return percentile((outcome.whole for outcome in outcomes), 0.5) * 1000
