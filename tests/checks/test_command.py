"""The command `check`, run as a process."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import run
from tests.support.installations import CANARY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.proves("check.complete", "check.json")
async def test_all_is_well(tmp_path: Path, given: dict[str, str]) -> None:
    lines = await asyncio.to_thread(run, tmp_path, "check", **given)
    assert (lines.returncode, lines.stderr) == (0, ""), lines.stdout
    rows = await asyncio.to_thread(run, tmp_path, "check", "--json", **given)
    assert (rows.returncode, rows.stderr) == (0, "")
    listed = json.loads(rows.stdout)
    assert [set(row) for row in listed] == [{"check", "state", "detail"}] * len(lines.stdout.splitlines())
    assert {row["state"] for row in listed} == {"ok"}


@pytest.mark.proves("check.problems", "check.secrets")
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_what_fails_is_printed_without_secrets_and_traces(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    failed = run(
        tmp_path,
        "check",
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
    embedded = run(tmp_path, "check")
    assert (embedded.returncode, embedded.stderr) == (0, "")
    assert "embedded" in embedded.stdout
    assert not [*tmp_path.iterdir()]


@pytest.mark.proves("check.problems")
def test_wrong_settings_and_wrong_usage_end_with_2(tmp_path: Path) -> None:
    wrong = run(tmp_path, "check", ENVIRONMENT="production", LOG_LEVEL="LOUD")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    names = [line.split(" ")[0].rstrip(":") for line in wrong.stderr.splitlines()]
    assert names == ["POSTGRES_URL", "IMBI_AUTH_JWT_SECRET", "LOG_LEVEL"]
    assert run(tmp_path, "check", "--unknown").returncode == 2
