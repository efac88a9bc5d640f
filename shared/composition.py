"""The composition root: it builds the parts that all requests of a process share from the settings."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from shared.auth.caller import Authenticator
from shared.chat.active_answers import ActiveAnswers
from shared.chat.followers import Followers
from shared.chat.frame_log import FrameLog
from shared.chat.retention import keep_sweeping
from shared.claude.rate_limits import RateLimits
from shared.domain.errors import AssistantUnavailable, GraphError
from shared.graph import health
from shared.graph.connector import Graph
from shared.graph.repositories import Repositories
from shared.observability import logs
from shared.observability.measurements import PREFIX, Gauge
from shared.observability.pool_gauges import pool_gauges
from shared.util import clock, gc_tuning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.chat.service import ChatService
    from shared.settings import Settings


log = logging.getLogger(__name__)

_SHOWN = 500
"""The number of characters of a problem that the log shows."""


class Services:
    """The shared parts of one process, each built once.

    The chat part imports the libraries of the model and of the tools. It is built when the first answer needs it.
    """

    def __init__(self, settings: Settings) -> None:
        """Build the parts that every route needs, without any connection."""
        self.settings = settings
        self.started_at = clock.now()
        self._graph = Graph(
            settings.postgres_url.get_secret_value(),
            settings.postgres_graph_name,
            min_size=settings.postgres_min_pool_size,
            max_size=settings.postgres_max_pool_size,
            prepared=settings.postgres_prepared_statements,
        )
        self.repositories = Repositories(self._graph, settings.api_url)
        self.conversations = self.repositories.conversations
        self.search = self.repositories.search
        self.authenticator = Authenticator(settings.jwt_secrets, self.repositories.principals)
        self.active_answers = ActiveAnswers(self.repositories.leases, settings.max_concurrent_streams)
        self.frame_log = FrameLog(self.repositories.frames)
        self.followers = Followers(self.repositories.frames, settings.max_concurrent_streams)
        self.rate_limits = RateLimits()
        self._chat: asyncio.Task[ChatService] | None = None
        self._problem = ""

    async def chat(self) -> ChatService:
        """Return the chat service, which answers questions.

        Raises:
            AssistantUnavailable: the assistant is switched off.
        """
        self.require_assistant()
        if self._chat is None:
            self._chat = asyncio.create_task(self._build_chat())
        return await asyncio.shield(self._chat)

    def require_assistant(self) -> None:
        """Check that the assistant is switched on.

        Raises:
            AssistantUnavailable: the assistant is switched off.
        """
        if not self.settings.is_enabled:
            raise AssistantUnavailable

    async def is_healthy(self) -> bool:
        """Return whether the graph can be used; the log says what is wrong, once until it changes."""
        try:
            problem = ", ".join(await health.lacking(self._graph))
        except GraphError as error:
            problem = f"{type(error).__name__} {error}".strip()
        if problem != self._problem:
            log.log(logging.ERROR if problem else logging.INFO, "the state of the graph: %s", problem[:_SHOWN] or "ok")
        self._problem = problem
        return not problem

    async def warm_up(self) -> None:
        """Prepare for the first answer, so that its user does not wait for imports and first requests."""
        gc_tuning.raise_thresholds()
        await self._graph.open()
        if self.settings.is_enabled:
            await (await self.chat()).warm_up()
            gc_tuning.freeze()

    async def keep(self) -> None:
        """Store the fetched API document for the next start. Call this when no user waits."""
        if self.settings.is_enabled:
            await (await self.chat()).keep()

    async def sweep(self) -> None:
        """Delete idle conversations again and again, if the settings say so; this ends when it is cancelled."""
        if self.settings.retention_days:
            await keep_sweeping(self.repositories.retention, self.settings.retention_days)

    def gauges(self) -> Sequence[Gauge]:
        """Return the numbers that change while the service runs: running answers and connections to the database."""
        return [
            Gauge(
                f"{PREFIX}.active_answers",
                "{answer}",
                "Answers that are running",
                lambda: [(self.active_answers.count, {})],
            ),
            Gauge(
                f"{PREFIX}.model_limit.remaining",
                "",
                "What remains of a rate limit of the model's API",
                self.rate_limits.remaining,
            ),
            Gauge(f"{PREFIX}.model_limit.size", "", "The size of that rate limit", self.rate_limits.sizes),
            *pool_gauges(self._graph.usage, self.settings.postgres_max_pool_size),
        ]

    async def shut_down(self, seconds: float) -> None:
        """End every answer with an error and wait until all are stored, for at most `seconds`."""
        self.followers.end_all()
        await self.active_answers.shut_down(seconds)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.followers.aclose()
        await self.active_answers.aclose()
        await self.frame_log.aclose()
        if self._chat is not None:
            await (await self._chat).aclose()
        await self._graph.aclose()

    async def _build_chat(self) -> ChatService:
        # The imports take seconds. In the event loop, they would block every other request of the process.
        await asyncio.to_thread(_import_chat)
        from shared.chat.assembly import assemble_chat  # noqa: PLC0415  # only routes that answer need this slow import

        return assemble_chat(
            self.settings, self.repositories, self.active_answers, self.authenticator.check, self.rate_limits
        )


def _import_chat() -> None:
    import shared.chat.assembly  # noqa: F401, PLC0415  # only routes that answer need this slow import

    logs.take_over_loggers()
