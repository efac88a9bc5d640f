"""The command that deletes idle conversations, and what deletions have left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError, StartupError
from shared.graph.connector import Graph
from shared.graph.retention import Retention
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.settings import Settings


async def sweep(settings: Settings, report: Callable[[str], None]) -> None:
    """Sweep once.

    Raises:
        StartupError: the database cannot be reached, or it reports an error.
    """
    days = settings.retention_days
    graph = Graph(settings.postgres_url.get_secret_value(), settings.postgres_graph_name, min_size=0, max_size=2)
    try:
        count = await Retention(graph).sweep(clock.now() - timedelta(days=days) if days else None)
    except GraphError as error:
        raise StartupError(f"The sweep failed: {type(error).__name__} {error}".strip()) from error
    finally:
        await graph.aclose()
    if count is None:
        report("Another process is sweeping.")
    elif not days:
        report("IMBI_ASSISTANT_RETENTION_DAYS is 0: no conversation was deleted.")
    else:
        report(f"{count} conversations that were idle for {days} days were deleted.")
