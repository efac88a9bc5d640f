"""Runs of scenarios: their figures with the circumstances of the measurement, as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

import orjson
from pydantic import TypeAdapter

from bench.figures import Figure  # noqa: TC001  # Pydantic needs the class itself

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one scenario."""

    measured_on: str
    python: str
    processors: int
    load: float
    """The load average over the last minute, at the end; it includes the benchmark itself."""
    database: str
    is_quick: bool
    figures: list[Figure]


Runs: TypeAlias = dict[str, Run]
"""The last run of each scenario, by its name."""
_RUNS = TypeAdapter(Runs)


def run_of(figures: Sequence[Figure], *, database: str, is_quick: bool) -> Run:
    """Return a run that has just ended."""
    return Run(
        measured_on=datetime.now(UTC).date().isoformat(),
        python=platform.python_version(),
        processors=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 1),
        database=database,
        is_quick=is_quick,
        figures=[*figures],
    )


def load(path: Path) -> Runs:
    """Return the runs that a file contains; none if there is no such file."""
    return _RUNS.validate_json(path.read_bytes()) if path.exists() else {}


def save(path: Path, runs: Runs) -> None:
    """Write runs as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = orjson.dumps({name: asdict(run) for name, run in runs.items()}, option=orjson.OPT_INDENT_2)
    path.write_bytes(content + b"\n")
