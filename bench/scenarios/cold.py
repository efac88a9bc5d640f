"""Import and first answer of each Lambda function in a fresh process, relative to `import fastapi` in another."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bench.environment import token_of
from bench.figures import Figure, Goal, percentile
from bench.processes import ROOT
from bench.scenarios import cold_chat
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.environment import Bench

_SECONDS = 60
_ANSWERS = {200, 201, 204, 403, 404}
"""The statuses of answers; 403 is that of routes for administrators, 404 that of an approval that does not exist."""
_BUILT = ROOT / ".aws-sam" / "build"


async def measure(bench: Bench) -> list[Figure]:
    """Run each function cold several times, and report the median.

    The package that `make build` built is used if it fits the running Python, else the checkout.
    """
    count = 1 if bench.is_quick else 3
    floors = [await _run(_variables(bench, None)) for _ in range(count)]
    floor = percentile((each["import"] for each in floors), 0.5)
    cpu_floor = percentile((each["cpu"] for each in floors), 0.5)
    figures = await cold_chat.measure(bench)
    async with bench.service() as service:
        for event in _http_events():
            runs = []
            for _ in range(count):
                prepared = bench.directory / event.name
                prepared.write_text(_addressed(event.read_text(), await service.conversation()))
                runs.append(await _run(_variables(bench, event.stem), event.stem, str(prepared)))
            _check(event.stem, runs)
            for name, field in (("import", "import"), ("first answer", "answer")):
                median = percentile((run[field] for run in runs), 0.5)
                figures.append(Figure("cold", f"{event.stem}: {name}", "s", median, floor))
            cpu = percentile((run["cpu"] for run in runs), 0.5)
            figures.append(Figure("cold", f"{event.stem}: CPU of the import", "s", cpu, cpu_floor, Goal(4, "ratio")))
            modules = percentile((run["modules"] for run in runs), 0.5)
            figures.append(Figure("cold", f"{event.stem}: modules", "", modules, floors[0]["modules"], is_detail=True))
    return figures


def _http_events() -> list[Path]:
    """Return the files of the events; a scheduled function's event is not that of a request."""
    files = sorted((ROOT / "events").glob("*.json"))
    return [file for file in files if "rawPath" in json.loads(file.read_text())]


def _check(route: str, runs: Sequence[dict[str, Any]]) -> None:
    statuses = {run["status"] for run in runs}
    assert statuses <= _ANSWERS, f"{route}: {statuses}"  # noqa: S101  # nothing can be measured


def _addressed(event: str, conversation_id: str) -> str:
    """Return an event with a user's token and an existing conversation."""
    parsed: dict[str, Any] = json.loads(event.replace("REPLACE-WITH-A-TOKEN", token_of(DEVELOPER)))
    http = parsed["requestContext"]["http"]
    path = "/".join(conversation_id if _is_id(part) else part for part in parsed["rawPath"].split("/"))
    context = {**parsed["requestContext"], "http": {**http, "path": path}}
    return json.dumps({**parsed, "rawPath": path, "requestContext": context})


def _is_id(part: str) -> bool:
    try:
        UUID(part)
    except ValueError:
        return False
    return True


def _variables(bench: Bench, route: str | None) -> Mapping[str, str]:
    path = [str(ROOT)]
    if route is not None and _is_for_this_python():
        function = "".join(part.capitalize() for part in route.split("_"))
        path = [str(_BUILT / function), str(_BUILT / "SharedLayer" / "python"), *path]
    return {**bench.variables(), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path)}


def _is_for_this_python() -> bool:
    """Return whether a package was built for the running Python."""
    tag = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    return any((_BUILT / "SharedLayer" / "python" / "pydantic_core").glob(f"*{tag}*"))


async def _run(variables: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "bench" / "cold.py"), *arguments, env=variables, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_SECONDS):
        output, _ = await process.communicate()
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result
