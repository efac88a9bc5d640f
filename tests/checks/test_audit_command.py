"""The command `audit`, run as a process."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shared.graph import audit
from shared.graph.connector import Graph
from tests.support.audit_rows import query
from tests.support.command_line import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.database import Database

OLD = "2020-01-02"
AGE_ALL = (
    "UPDATE {}.imbi_assistant_audit SET day = '2020-01-02'",
    "UPDATE {}.imbi_assistant_audit_day SET day = '2020-01-02'",
)
CHANGE = "UPDATE {}.imbi_assistant_audit SET record = replace(record, 'first', 'forged')"


async def store(graph: Database, tool: str) -> None:
    """Store a row of today."""
    records: list[Any] = [{"at": "2026-01-01", "user": "a@example.com", "tool": tool}]
    async with aclosing(Graph(graph.dsn, graph.graph_name)) as connected:
        await connected.transaction(last=lambda _results: audit.appended(records))


@pytest.mark.proves("audit.chained")
async def test_verify_prints_each_day_and_fails_if_a_row_was_changed(
    tmp_path: Path, graph: Database, given: dict[str, str]
) -> None:
    async def verified(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(run, tmp_path, "audit", "verify", *arguments, **given)

    await store(graph, "first")
    today = datetime.now(UTC).date().isoformat()
    whole = await verified()
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.split()[:3] == [today, "ok", "1"]
    await query(graph, CHANGE)
    changed = await verified("--day", today)
    assert (changed.returncode, changed.stdout.split()[:2]) == (1, [today, "FAILED"])


@pytest.mark.proves("audit.pruned")
async def test_prune_deletes_old_days_only_if_a_retention_is_set(
    tmp_path: Path, graph: Database, given: dict[str, str]
) -> None:
    await store(graph, "old")
    for statement in AGE_ALL:
        await query(graph, statement)
    await store(graph, "new")
    kept = await asyncio.to_thread(run, tmp_path, "audit", "prune", **given)
    assert kept.returncode == 0
    assert "nothing is deleted" in kept.stderr
    pruned = await asyncio.to_thread(run, tmp_path, "audit", "prune", **given, IMBI_ASSISTANT_AUDIT_RETENTION_DAYS="30")
    assert pruned.returncode == 0, pruned.stderr
    left = await asyncio.to_thread(run, tmp_path, "audit", "verify", **given)
    assert (left.returncode, OLD in left.stdout, len(left.stdout.splitlines())) == (0, False, 1)
