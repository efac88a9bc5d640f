"""The command line: `python -m bench [scenario …] [--quick] [--keep] [--json FILE] [--publish]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import page, runs
from bench.environment import opened
from bench.figures import table
from bench.processes import ROOT
from bench.runs import run_of
from bench.scenarios import SCENARIOS
from tests.support.database import prepared_database

if TYPE_CHECKING:
    from bench.environment import Bench
    from bench.runs import Runs
    from tests.support.database import Database

_VERSIONS = """
    SELECT format('PostgreSQL %s with AGE %s', split_part(current_setting('server_version'), ' ', 1), extversion)
      FROM pg_extension WHERE extname = 'age'"""


def main() -> int:
    """Run the benchmarks and print the figures; a missed goal is not an error."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        (Path(directory) / "database").mkdir()
        with prepared_database(Path(directory) / "database") as database:
            measured = asyncio.run(_measure(database, Path(directory), options))
    print(table([each for run in measured.values() for each in run.figures if not each.is_detail]))
    print(f"\n{options.json}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure the service, and compare it with a bare relay of the same bytes."
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="scenario", help=f"scenarios to run (default: all): {', '.join(SCENARIOS)}"
    )
    parser.add_argument("--quick", action="store_true", help="take fewer samples: three minutes instead of fifteen")
    parser.add_argument(
        "--json",
        type=Path,
        default=ROOT / ".data" / "bench.json",
        help="file to write the figures to (default: %(default)s)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the graph of `million` in the database of POSTGRES_URL, and use the one of an earlier run",
    )
    parser.add_argument(
        "--publish", action="store_true", help="also write the figures to bench/figures.json and docs/performance.md"
    )
    return parser


async def _measure(database: Database, directory: Path, options: argparse.Namespace) -> Runs:
    """Run the scenarios; the files are written after each, so that an interrupted run loses nothing."""
    measured: Runs = {}
    async with opened(database, directory, is_quick=options.quick, keeps_graphs=options.keep) as bench:
        for name in options.scenarios or SCENARIOS:
            began = time.monotonic()
            figures = await SCENARIOS[name](bench)
            measured[name] = run_of(figures, database=await _kind(bench), is_quick=options.quick)
            runs.save(options.json, measured)
            if options.publish:
                page.publish({name: measured[name]})
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return measured


async def _kind(bench: Bench) -> str:
    if bench.is_embedded:
        return "the embedded database"
    async with bench.database.connected() as connection:
        row = await (await connection.execute(_VERSIONS)).fetchone()
    return str(row[0]) if row else "PostgreSQL"


if __name__ == "__main__":
    sys.exit(main())
