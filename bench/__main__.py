"""The command line: `python -m bench [scenario …] [--quick] [--json FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import figures
from bench.environment import opened
from bench.processes import ROOT
from bench.scenarios import SCENARIOS
from tests.support.database import prepared_database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.figures import Figure
    from tests.support.database import Database


def main() -> int:
    """Run the benchmarks and print the figures; a missed goal is not an error."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        (Path(directory) / "database").mkdir()
        with prepared_database(Path(directory) / "database") as database:
            measured = asyncio.run(
                _measure(database, Path(directory), options.scenarios or list(SCENARIOS), is_quick=options.quick)
            )
    print(figures.table(measured))
    figures.save(options.json, measured, is_quick=options.quick, database=_kind(database))
    print(f"\n{options.json}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure the service, and compare it with a bare relay of the same bytes."
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="scenario", help=f"scenarios to run (default: all): {', '.join(SCENARIOS)}"
    )
    parser.add_argument("--quick", action="store_true", help="take fewer samples: two minutes instead of ten")
    parser.add_argument(
        "--json",
        type=Path,
        default=ROOT / ".data" / "bench.json",
        help="file to write the figures to (default: %(default)s)",
    )
    return parser


async def _measure(database: Database, directory: Path, names: Sequence[str], *, is_quick: bool) -> list[Figure]:
    measured: list[Figure] = []
    async with opened(database, directory, is_quick=is_quick) as bench:
        for name in names:
            began = time.monotonic()
            measured += await SCENARIOS[name](bench)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return measured


def _kind(database: Database) -> str:
    return "embedded" if "sslmode=disable" in database.dsn else "PostgreSQL"


if __name__ == "__main__":
    sys.exit(main())
