"""The embedded database starts, stops, is killed, and keeps what it acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from local.embedded_database import EmbeddedDatabaseError, embedded_database
from tests.support.embedded import connect, value
from tests.support.raw_client import connected

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path


pytestmark = pytest.mark.slow

WAIT_SECONDS = 30


# Its life


async def test_data_are_there_after_a_restart(tmp_path: Path) -> None:
    said: list[str] = []
    async with embedded_database(tmp_path, report=said.append) as dsn, await connect(dsn) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS a")
    async with embedded_database(tmp_path, report=said.append) as dsn, await connect(dsn) as connection:
        assert await value(connection, "SELECT a FROM kept") == 42
    assert [line.split(" in ")[0] for line in said] == ["Creating the embedded database"]


async def test_a_transaction_that_idles_is_rolled_back(tmp_path: Path) -> None:
    async with embedded_database(tmp_path, report=print, idle_transaction_seconds=0.2) as dsn:
        async with await connect(dsn) as connection:
            await connection.execute("CREATE TABLE idle (a int)")
        idler = await connect(dsn)
        await idler.execute("BEGIN")
        await idler.execute("INSERT INTO idle VALUES (1)")
        async with await connect(dsn) as connection, asyncio.timeout(WAIT_SECONDS):
            assert await value(connection, "SELECT count(*) FROM idle") == 0
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            await idler.execute("SELECT 1")


async def test_a_second_server_is_refused_in_one_line(tmp_path: Path) -> None:
    async with embedded_database(tmp_path, report=print):
        with pytest.raises(EmbeddedDatabaseError) as refused:
            async with embedded_database(tmp_path, report=print):
                pass
    expected = f"The data directory {tmp_path} is in use by another imbi-assistant server (process {os.getpid()}). "
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)


async def test_a_directory_that_cannot_be_created_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedDatabaseError, match=r"Cannot use the data directory .*: Not a directory"):
        async with embedded_database(tmp_path / "file" / "data", report=print):
            pass


async def test_a_broken_database_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / "PG_VERSION").write_text("18")
    with pytest.raises(EmbeddedDatabaseError, match=r"did not start: .+") as refused:
        async with embedded_database(tmp_path, report=print):
            pass
    assert "\n" not in str(refused.value)


async def test_acknowledged_writes_outlive_a_killed_database(tmp_path: Path) -> None:
    async with held(tmp_path) as (process, dsn):
        acknowledged = await write_until_killed(dsn, database_of(process))
        await wait_for_line(process, "the embedded database has stopped (status -9)")
    async with embedded_database(tmp_path, report=print) as dsn, await connect(dsn) as connection:
        kept = await value(connection, "SELECT array_agg(a ORDER BY a) FROM written")
        assert kept[: len(acknowledged)] == acknowledged
        assert len(kept) <= len(acknowledged) + 1


async def write_until_killed(dsn: str, database: int) -> list[int]:
    """Insert numbers one by one, with the database killed in the middle; give those that were acknowledged."""
    acknowledged: list[int] = []
    async with await connect(dsn) as connection:
        await connection.execute("CREATE TABLE written (a int, filler text)")
        with suppress(psycopg.OperationalError):
            while len(acknowledged) < 100_000:
                await connection.execute("INSERT INTO written VALUES (%s, %s)", (len(acknowledged), "x" * 2000))
                acknowledged.append(len(acknowledged))
                if len(acknowledged) == 200:
                    asyncio.get_running_loop().call_later(0.05, os.kill, database, signal.SIGKILL)
    return acknowledged


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT count(*) FROM generate_series(1, 1000000000000)"])
async def test_no_process_is_left_when_the_server_is_killed(tmp_path: Path, statement: str) -> None:
    async with held(tmp_path) as (process, dsn), connected(dsn) as client:
        client.send(b"Q", statement.encode() + b"\0")
        await client.writer.drain()
        process.kill()
        await process.wait()
    # The lock is free only when the database process has gone too.
    async with (
        asyncio.timeout(WAIT_SECONDS),
        embedded_database(tmp_path, report=print) as dsn,
        await connect(dsn) as connection,
    ):
        assert await value(connection, "SELECT 1") == 1


async def test_the_terminals_interrupt_leaves_the_server_its_database_to_the_end(tmp_path: Path) -> None:
    async with held(tmp_path) as (process, _):
        os.killpg(process.pid, signal.SIGINT)
        await wait_for_line(process, "still here")
        assert await process.wait() == 0


# Helpers


@asynccontextmanager
async def held(directory: Path) -> AsyncIterator[tuple[Process, str]]:
    """Hold the database in a process of its own, the leader of its group."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.database_holder",
        str(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process, await wait_for_line(process, "postgresql://")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def wait_for_line(process: Process, part: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        async for line in process.stdout:
            if part in line.decode():
                return line.decode().strip()
    pytest.fail(f"the process ended without saying {part!r}")


def database_of(process: Process) -> int:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)  # noqa: S607  # the ps that is there
    pairs = [line.split() for line in listed.stdout.splitlines()]
    (child,) = [int(pid) for pid, parent in pairs if parent == str(process.pid)]
    return child
