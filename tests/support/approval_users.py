"""Users who do anything with approvals: they decide, retry, replace, stop, wait too long, and use two tabs at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx2

from tests.support.audit_rows import query
from tests.support.client import NO_AUTHORITIES, SECONDS
from tests.support.model_server import reply, text, thinking, tool
from tests.support.sse import Answer, EventReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from tests.support.client import Json
    from tests.support.database import Database
    from tests.support.model_server import Answer as Played

NO_KEPT_CONNECTIONS = httpx2.Limits(max_keepalive_connections=0)
"""A kept connection that a server closes while it is used again would fail a request."""
TOOLS = ("change_thing", "delete_thing", "get_thing")
TEXTS = ("Change something.", "And now?", "Go on.", "yes please", "Why?")
ACTS = ("ask", "ask", "again", "replace", "approve", "approve", "yes", "yes", "reject", "no", "expire", "stop", "tabs")


class RandomModel:
    """A model that calls tools or answers, as chance has it. No two calls are about the same thing."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._calls = 0

    def __call__(self, body: Json) -> Played:
        """Reply to a request."""
        may_call = (body.get("tool_choice") or {}).get("type") != "none"
        thoughts = [thinking("What now?")] if self._chance.random() < 0.3 else []
        if not may_call or self._chance.random() < 0.4:
            return reply(*thoughts, text("So it is."))
        return reply(*thoughts, text("I do it."), *[self._call() for _ in range(self._chance.choice((1, 1, 2)))])

    def _call(self) -> Any:
        self._calls += 1
        name = f"thing-{self._calls}"
        return tool(self._chance.choice(TOOLS), {"name": name}, call_id=f"toolu_{name}")


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of a user: the service that it went to, and whether it approves."""

    service: str
    approves: bool


@dataclass
class Street:
    """The services by name, what was sent to them, and the decisions that they accepted."""

    urls: Mapping[str, str]
    token: str
    database: Database
    chance: Random
    sent: dict[str, Sent] = field(default_factory=dict)
    accepted: list[tuple[str, str]] = field(default_factory=list)
    """The approvals that the route decided, each with its decision."""
    statuses: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.token}"}
        self.clients = {
            name: httpx2.AsyncClient(
                base_url=url, headers=headers, timeout=SECONDS, verify=NO_AUTHORITIES, limits=NO_KEPT_CONNECTIONS
            )
            for name, url in self.urls.items()
        }
        return self

    async def __aexit__(self, *_error: object) -> None:
        for each in self.clients.values():
            await each.aclose()

    async def post(self, path: str, *, approves: bool = False, **body: Any) -> Answer | None:
        """Send a request to one of the services; return its answer, or None if it was refused."""
        service = self.chance.choice(list(self.clients))
        request_id = f"{service}.{len(self.sent)}"
        self.sent[request_id] = Sent(service, approves)
        response = await self.clients[service].post(path, json=body, headers={"X-Request-ID": request_id})
        self.statuses[f"{path.rsplit('/', 2)[-2 if 'approvals' in path else -1]} {response.status_code}"] += 1
        if response.status_code != httpx2.codes.OK:
            assert response.status_code in {204, 409, 422}, f"{response.status_code}: {response.text}"
            return None
        self.turns += 1
        reader = EventReader()
        reader.feed(response.content)
        reader.finish()
        return Answer(reader.events)


class User:
    """One conversation of a user who does anything."""

    def __init__(self, street: Street, conversation: str) -> None:
        self.conversation = conversation
        self._street = street
        self._path = f"/conversations/{conversation}"
        self._approvals: list[str] = []
        self._last = TEXTS[0]

    async def act(self) -> None:
        """Do something."""
        await self._do(self._street.chance.choice(ACTS))

    async def ask(self, content: str, **body: Any) -> None:
        """Send a message."""
        self._last = content
        approves = content in {"yes", "Approve!"}
        self._note(await self._street.post(f"{self._path}/messages", content=content, approves=approves, **body))

    async def _do(self, act: str) -> None:
        chance = self._street.chance
        match act:
            case "ask":
                await self.ask(chance.choice(TEXTS))
            case "again":
                await self.ask(self._last)
            case "yes":
                await self.ask(chance.choice(("yes", "Approve!")))
            case "no":
                await self.ask("no")
            case "approve" | "reject":
                await self._decide(act)
            case "replace":
                await self._replace()
            case "expire":
                await self._expire()
            case "stop":
                await asyncio.gather(self.ask(chance.choice(TEXTS)), self._stop())
            case _:
                tabs = [chance.choice(("ask", "approve", "approve", "reject", "yes", "again")) for _ in range(2)]
                await asyncio.gather(*map(self._do, tabs))

    async def _decide(self, decision: str) -> None:
        if not self._approvals:
            return
        approval = self._street.chance.choice((*self._approvals[-2:], *self._approvals[-1:] * 4))
        path = f"{self._path}/approvals/{approval}"
        answer = await self._street.post(path, approves=decision == "approve", decision=decision)
        if answer is not None:
            self._street.accepted.append((approval, decision))
        self._note(answer)

    async def _replace(self) -> None:
        response = await self._street.clients[self._street.chance.choice(list(self._street.clients))].get(self._path)
        questions = [
            each for each in response.json()["messages"] if each["role"] == "user" and not each["tool_results"]
        ]
        if questions:
            await self.ask(self._street.chance.choice(TEXTS), replaces=self._street.chance.choice(questions[-3:])["id"])

    async def _expire(self) -> None:
        update = "UPDATE {}.imbi_assistant_approval SET expires_at = now() WHERE conversation_id = %s"
        await query(self._street.database, update, self.conversation)

    async def _stop(self) -> None:
        await asyncio.sleep(self._street.chance.random() * 0.05)
        await self._street.post(f"{self._path}/stop")

    def _note(self, answer: Answer | None) -> None:
        if answer is not None:
            assert len(answer.of("done")) + len(answer.of("error")) == 1, answer.names
            self._approvals += [each.data["approval_id"] for each in answer.of("approval_required")]


async def messages_of(street: Street, conversation: str) -> Sequence[Json]:
    """Read all messages of a conversation, with the replaced ones."""
    client = next(iter(street.clients.values()))
    response = await client.get(f"/conversations/{conversation}", params={"include_superseded": True})
    messages: Sequence[Json] = response.json()["messages"]
    return messages
