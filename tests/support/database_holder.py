"""Runs the embedded database in a process that tests can kill: `python -m tests.support.database_holder DIRECTORY`.

Prints the DSN. On SIGINT, it uses the database once more before it ends, and prints what that gave.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psycopg

from local.embedded_database import embedded_database


async def hold(directory: Path) -> None:
    async with embedded_database(directory, report=lambda _: None) as dsn:
        print(dsn, flush=True)  # noqa: T201  # the test reads it
        try:
            await asyncio.Event().wait()
        finally:
            async with await psycopg.AsyncConnection.connect(dsn) as connection:
                row = await (await connection.execute("SELECT 'still here'")).fetchone()
                print(row[0] if row else None, flush=True)  # noqa: T201  # the test reads it


if __name__ == "__main__":
    try:
        asyncio.run(hold(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(0)
