"""The command `check`, run as a process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import local_server
from tests.support.installations import CANARY
from tests.support.lambda_functions import measured
from tests.support.processes import FOR_PYTHON

PROGRAM = Path(local_server.__file__)
SECONDS = 60


def check(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command `check` to its end, in a directory without a `.env`."""
    return ran(directory, "check", *arguments, **variables)


def ran(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a directory without a `.env`."""
    inherited = {name: os.environ[name] for name in FOR_PYTHON if name in os.environ}
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, str(PROGRAM), *arguments],
        cwd=directory,
        env=inherited | measured() | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.proves("check.complete", "check.json")
async def test_all_is_well(tmp_path: Path, given: dict[str, str]) -> None:
    lines = await asyncio.to_thread(check, tmp_path, **given)
    assert (lines.returncode, lines.stderr) == (0, ""), lines.stdout
    rows = await asyncio.to_thread(check, tmp_path, "--json", **given)
    assert (rows.returncode, rows.stderr) == (0, "")
    listed = json.loads(rows.stdout)
    assert [set(row) for row in listed] == [{"check", "state", "detail"}] * len(lines.stdout.splitlines())
    assert {row["state"] for row in listed} == {"ok"}


@pytest.mark.proves("check.problems", "check.secrets")
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_what_fails_is_printed_without_secrets_and_traces(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    failed = check(
        tmp_path,
        *arguments,
        POSTGRES_URL=f"postgresql://nobody:{CANARY}@127.0.0.1:1/none",
        IMBI_INTERNAL_API_URL="http://127.0.0.1:1",
        ANTHROPIC_API_KEY=CANARY,
    )
    assert (failed.returncode, failed.stderr) == (1, "")
    assert CANARY not in failed.stdout
    assert "Traceback" not in failed.stdout
    assert "failed" in failed.stdout


@pytest.mark.proves("check.embedded")
def test_nothing_is_created_for_embedded_parts(tmp_path: Path) -> None:
    embedded = check(tmp_path)
    assert (embedded.returncode, embedded.stderr) == (0, "")
    assert "embedded" in embedded.stdout
    assert not [*tmp_path.iterdir()]


@pytest.mark.proves("check.problems")
def test_wrong_settings_and_wrong_usage_end_with_2(tmp_path: Path) -> None:
    wrong = check(tmp_path, ENVIRONMENT="production", LOG_LEVEL="LOUD")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    names = [line.split(" ")[0].rstrip(":") for line in wrong.stderr.splitlines()]
    assert names == ["POSTGRES_URL", "IMBI_AUTH_JWT_SECRET", "LOG_LEVEL"]
    assert check(tmp_path, "--unknown").returncode == 2
