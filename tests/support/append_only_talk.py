"""A conversation in which the model thinks before each of its replies."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.messages_api.models import rules_of
from tests.support.model_server import reply, text, thinking, tool

if TYPE_CHECKING:
    from tests.support.changing_api import ChangingApi
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.sse import Answer

_numbers = itertools.count()


@dataclass
class Talk:
    """A conversation with a scripted model at one of two services."""

    model: str
    client: Client
    model_server: ModelServer
    database: Database
    api: ChangingApi
    conversation: str = ""

    @property
    def calls_by_name(self) -> bool:
        """Whether the model calls found tools through another one."""
        return not rules_of(self.model).deferred_tools

    def call(self, name: str) -> Any:
        """Script the call of a tool that a search has found."""
        return tool("call_tool", {"name": name, "arguments": {}}) if self.calls_by_name else tool(name)

    async def ask(self, *steps: Any) -> Answer:
        """Ask, and have the model think before each of its replies."""
        self.model_server.script(
            *[reply(thinking("Hm"), *(step if isinstance(step, tuple) else (step,))) for step in steps]
        )
        return await self.client.ask(self.conversation, f"And now? {next(_numbers)}")

    async def follow_up(self) -> None:
        """Ask further questions, one of them with a call."""
        assert (await self.ask(tool("navigate_to", {"path": "/a"}), text("Ok."))).done
        assert (await self.ask(text("Still here."))).text.endswith("Still here.")

    async def set_role(self, role: str | None) -> None:
        """Give the user a role, or take all of them away."""
        await self.database.cypher(
            "MATCH (u:User)-[m:MEMBER_OF]->(:Organization) WHERE u.email = $email DELETE m RETURN 1",
            email=self.client.email,
        )
        if role is not None:
            await self.database.cypher(
                "MATCH (u:User), (o:Organization) WHERE u.email = $email CREATE (u)-[:MEMBER_OF {role: $role}]->(o)"
                " RETURN 1",
                email=self.client.email,
                role=role,
            )
