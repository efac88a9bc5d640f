"""Modules that a process starts with import nothing that is slow to import."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

NEEDS_A_MODEL = ("send_message", "decide_approval")
"""The routes that may import what talks to a model."""
SLOW_TO_IMPORT = ("anthropic", "fastmcp", "mcp", "boto3")

PLAIN_ROUTES = [
    f"functions.{file.stem}"
    for file in sorted((ROOT / "functions").glob("[a-z]*.py"))
    if file.stem not in NEEDS_A_MODEL
]

IMPORTED_IN_TURN = """
import importlib, json, os, sys
import fastapi, psycopg, psycopg_pool, pydantic
slow, routes = map(json.loads, sys.argv[1:])
for route in routes:
    if os.fork() == 0:
        importlib.import_module(route)
        print(json.dumps([route, [name for name in slow if name in sys.modules]]), flush=True)
        os._exit(0)
    os.wait()
"""
"""Imports each route in a process of its own. The processes have the libraries that every route needs already."""


@cache
def slow_imports() -> dict[str, list[str]]:
    """Return which slow libraries each route imports."""
    arguments = (json.dumps(SLOW_TO_IMPORT), json.dumps(PLAIN_ROUTES))
    run = subprocess.run(  # noqa: S603  # our own interpreter and module names
        [sys.executable, "-c", IMPORTED_IN_TURN, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.mark.parametrize("route", PLAIN_ROUTES)
def test_a_route_without_a_model_imports_nothing_slow(route: str) -> None:
    assert slow_imports()[route] == []
