"""The commands that verify and prune the audit, as lines for a terminal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError, StartupError
from shared.graph.audit_chains import AuditChains
from shared.graph.audit_trail import AuditTrail
from shared.graph.connector import Graph
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from shared.settings import Settings


async def verify(settings: Settings, day: date | None, report: Callable[[str], None]) -> bool:
    """Verify the chain of a day, or of all days; return whether each one is whole.

    Raises:
        StartupError: the audit cannot be read.
    """
    graph = _graph(settings)
    chains = AuditChains(graph)
    try:
        await AuditTrail(graph).collect()
        found = [await chains.verify(each) for each in ([day] if day else await chains.days())]
    except GraphError as error:
        raise StartupError(f"The audit cannot be read: {type(error).__name__} {error}".strip()) from error
    finally:
        await graph.aclose()
    for chain in found:
        state = "ok" if chain.problem is None else "FAILED"
        report(f"{chain.day}  {state}  {chain.rows} rows  {chain.hash}  {chain.problem or ''}".rstrip())
    if not found:
        report("The audit has no rows.")
    return all(chain.problem is None for chain in found)


async def prune(settings: Settings, report: Callable[[str], None]) -> None:
    """Delete the days that are older than the retention setting, whole.

    Raises:
        StartupError: the days cannot be deleted.
    """
    days = settings.audit_retention_days
    if not days:
        report("IMBI_ASSISTANT_AUDIT_RETENTION_DAYS is 0: nothing is deleted.")
        return
    before = clock.now().date() - timedelta(days=days)
    graph = _graph(settings)
    try:
        count = await AuditChains(graph).prune(before)
    except GraphError as error:
        reason = f"{type(error).__name__} {error}".strip()
        raise StartupError(f"The audit cannot be pruned: {reason}. The role needs DELETE on its tables.") from error
    finally:
        await graph.aclose()
    report(f"Deleted {count} days before {before}.")


def _graph(settings: Settings) -> Graph:
    return Graph(settings.postgres_url.get_secret_value(), settings.postgres_graph_name, min_size=0, max_size=1)
