"""From the settings to the things that every request of a process shares, each built once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from shared.auth.caller import Authenticator
from shared.errors import AssistantUnavailable, GraphUnavailable
from shared.graph.age import Graph
from shared.graph.conversations import Conversations
from shared.graph.documents import KeptDocument
from shared.graph.leases import Leases
from shared.graph.mcp_servers import MCPServers
from shared.graph.principals import Principals

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from shared.assistant import Assistant
    from shared.models import Caller
    from shared.settings import Settings


class Runtime:
    """The process's shared things. What answers are made of is imported and built when the first answer needs it."""

    def __init__(self, settings: Settings, graph: Graph) -> None:
        self.settings = settings
        self.authenticator = Authenticator(settings.jwt_secret.get_secret_value(), Principals(graph))
        self.conversations = Conversations(graph)
        self.leases = Leases(graph)
        self.api_document = KeptDocument(graph, settings.api_url)
        self.mcp_servers = MCPServers(graph)
        self._graph = graph
        self._assistant: asyncio.Task[Assistant] | None = None

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Build what every route needs; the database is connected to in the background."""
        graph = Graph(
            settings.postgres_url.get_secret_value(),
            settings.postgres_graph_name,
            min_size=settings.postgres_min_pool_size,
            max_size=settings.postgres_max_pool_size,
        )
        await graph.open()
        return cls(settings, graph)

    async def assistant(self) -> Assistant:
        """Give what answers are made of.

        Raises:
            AssistantUnavailable: it is switched off.
        """
        self.require_assistant()
        if self._assistant is None:
            self._assistant = asyncio.create_task(self._build())
        return await asyncio.shield(self._assistant)

    def require_assistant(self) -> None:
        """See to it that there is an assistant.

        Raises:
            AssistantUnavailable: it is switched off.
        """
        if not self.settings.is_enabled:
            raise AssistantUnavailable

    async def stop_answer(self, conversation_id: UUID, caller: Caller) -> None:
        """End the answer to a conversation, whichever process gives it; nothing happens where there is none.

        Raises:
            ConversationNotFound: there is no such conversation, or it is another user's.
        """
        await self.conversations.require(conversation_id, caller.principal.subject)
        await self.leases.request_stop(conversation_id)
        if self._assistant is not None and self._assistant.done():
            await self._assistant.result().stop(conversation_id)

    async def is_well(self) -> bool:
        """Say whether the database can be reached."""
        try:
            await self._graph.ping()
        except GraphUnavailable:
            return False
        return True

    async def shut_down(self, seconds: float) -> None:
        """End every answer with an error and wait until all are stored, or the time is over."""
        if self._assistant is not None and self._assistant.done():
            await self._assistant.result().shut_down(seconds)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._assistant is not None:
            await (await self._assistant).aclose()
        await self._graph.aclose()

    async def _build(self) -> Assistant:
        # The imports take seconds and would hold up every other request of the process.
        build = await asyncio.to_thread(_import_assembly)
        return build(self)


def _import_assembly() -> Callable[[Runtime], Assistant]:
    from shared.assembly import assemble  # noqa: PLC0415  # only the routes that answer pay for it

    return assemble
