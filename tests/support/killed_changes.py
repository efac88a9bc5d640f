"""The world of changing turns whose processes are cut: an API that counts, a database behind a proxy, the account."""

from __future__ import annotations

import json
import re
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from shared.graph.audit_chains import AuditChains
from shared.graph.connector import Graph
from tests.support.aftermath import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.client import Client, Json
    from tests.support.counted_api import CountedApi
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.processes import Forked
    from tests.support.proxy import Proxy

FENCE = b"AS intent (question_id text"
"""A part of the statement that lets a round's calls run."""
_STEPS = "steps="


@dataclass
class World:
    """What the victims talk to, and how they are cut."""

    api: CountedApi
    proxy: Proxy
    steps: dict[str, int] = field(default_factory=dict)
    cut_at: tuple[str, int] = ("", 0)
    victim: Forked | None = None
    sign: signal.Signals = signal.SIGKILL
    has_cut: bool = False

    def __post_init__(self) -> None:
        self.api.on_change = lambda: self.step("change")
        self.proxy.on_piece = lambda data: self.step("fence" if FENCE in data else "piece")

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a service in this world."""
        return {"IMBI_INTERNAL_API_URL": self.api.url, "POSTGRES_URL": self.proxy.url}

    def step(self, kind: str) -> None:
        """Count a step; cut the victim at the chosen one, before the step goes on."""
        self.steps[kind] = self.steps.get(kind, 0) + 1
        if self.victim is not None and self.cut_at == (kind, self.steps[kind]):
            self.victim.signal(self.sign)
            self.has_cut = True

    def aim(self, victim: Forked, kind: str, number: int) -> None:
        """Choose the step at which a process is cut. Steps of its own loop are counted from now on."""
        self.steps, self.has_cut = {}, False
        self.victim, self.cut_at = victim, (kind, number)
        victim.signal(signal.SIGUSR1)


async def steps_of(victim: Forked) -> int | None:
    """Return the steps that the loop of a victim has made since it was aimed at; None if it was killed."""
    victim.signal(signal.SIGUSR1)
    await until(lambda: not victim.is_running or _STEPS in victim.log.read_text())
    found = re.search(rf"{_STEPS}(\d+)\n", victim.log.read_text())
    return int(found[1]) if found else None


async def ask(client: Client, conversation: str, question: str) -> None:
    """Send a message to a process that may be killed meanwhile."""
    with suppress(httpx2.TransportError, StopAsyncIteration, RuntimeError):
        async with client.stream(conversation, question) as stream:
            await stream.until(lambda event: event.name in {"done", "error"})


async def told(client: Client, conversation: str, model_server: ModelServer) -> Sequence[Json]:
    """Ask what happened; return the messages that the model was sent of the whole conversation."""
    mark = f"What happened? {secrets.token_hex(4)}"
    assert (await client.ask(conversation, mark)).done
    [request] = [each for each in model_server.chats if mark in json.dumps(each.body["messages"][-2:])]
    assert request.problems == []
    messages: Sequence[Any] = request.body["messages"]
    return messages


async def check_chain(database: Database) -> None:
    """Check the hashes of the whole audit."""
    graph = Graph(database.dsn, database.graph_name, max_size=1)
    chains = AuditChains(graph)
    for day in await chains.days():
        assert (await chains.verify(day)).problem is None
    await graph.aclose()
