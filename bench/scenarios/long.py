"""Turns of conversations with 40, 280 and 1,000 messages: their CPU time and their first word."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from bench.figures import Figure, Goal, percentile
from bench.wire import Shape
from shared.domain.models import Lease, Message
from shared.graph.connector import Graph
from shared.graph.turns import Asking, Ending, Turns
from shared.util import clock
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.environment import Bench, Floor, Service

_SIZES = (40, 280, 1000)
_WARM_UPS = 3
_SHAPE = Shape(3)
_GOAL = Goal(25)
_RESULT = "A row of a table with a name, a tier and an owner. " * 40
_ANSWER = "The web shop depends on the payment service. " * 18


async def measure(bench: Bench) -> list[Figure]:
    """Ask the service and the relay alternately, for each size in a conversation of its own."""
    figures: list[Figure] = []
    async with (
        bench.service("300", IMBI_ASSISTANT_MAX_CONVERSATION_TURNS="10000") as service,
        bench.floor() as floor,
    ):
        for size in _SIZES:
            conversation_id = await service.conversation()
            await _fill(bench, UUID(conversation_id), size)
            figures += await _asked(bench, service, floor, conversation_id, size)
    return figures


async def _asked(bench: Bench, service: Service, floor: Floor, conversation_id: str, size: int) -> list[Figure]:
    count = 5 if bench.is_quick else 20
    for _ in range(_WARM_UPS):
        assert (await service.ask(conversation_id, _SHAPE)).is_good  # noqa: S101  # nothing can be measured
    cpu = service.measured.cpu_seconds, floor.measured.cpu_seconds
    ours, theirs = [], []
    for _ in range(count):
        ours.append(await service.ask(conversation_id, _SHAPE))
        theirs.append(await floor.ask(await bench.request_bytes(), _SHAPE))
    spent = service.measured.cpu_seconds - cpu[0], floor.measured.cpu_seconds - cpu[1]
    assert all(each.is_good for each in ours + theirs)  # noqa: S101  # nothing can be measured
    first, second = (percentile((each.first_word for each in outcomes), 0.5) * 1000 for outcomes in (ours, theirs))
    ours_cpu, floor_cpu = (seconds / count * 1000 for seconds in spent)
    return [
        Figure("long", f"CPU of a turn, {size:,} messages", "ms", ours_cpu, floor_cpu, _GOAL),
        Figure("long", f"first word, {size:,} messages, p50", "ms", first, second),
        Figure("long", f"request, {size:,} messages", "KB", await bench.request_bytes() / 1000),
    ]


async def _fill(bench: Bench, conversation_id: UUID, size: int) -> None:
    """Store messages in fours: a question, a call, its result of some 500 tokens, and an answer."""
    first, *others = _messages(size)
    lease = Lease(conversation_id, uuid4())
    graph = Graph(bench.database.dsn, bench.database.graph_name, max_size=1)
    try:
        turns = Turns(graph)
        await turns.begin(lease, DEVELOPER, first, Asking("", None, 1))
        await turns.finish(lease, DEVELOPER, others, Ending(first.id, "{}"))
    finally:
        await graph.aclose()


def _messages(size: int) -> Iterator[Message]:
    for number in range(size // 4):
        call = f"toolu_{number}"
        yield _message("user", f"{number}: what does the web shop depend on?")
        yield _message("assistant", "", tool_use=({"id": call, "name": "list_projects", "input": {"page": number}},))
        yield _message("user", "", tool_results=({"type": "tool_result", "tool_use_id": call, "content": _RESULT},))
        yield _message("assistant", _ANSWER)


def _message(role: str, content: str, **lists: tuple[dict[str, object], ...]) -> Message:
    return Message(id=uuid4(), role=role, content=content, created_at=clock.now(), **lists)  # type: ignore[arg-type]  # as given above
