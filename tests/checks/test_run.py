"""All checks together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.checks.configuration import read_installation
from shared.checks.report import as_json, has_failed, presentable, table
from shared.checks.run import CHECKS, WITH_MODEL, run_checks
from tests.support.installations import CANARY, found, register
from tests.support.mcp_hosts import calculator, hosted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.checks.findings import Check, Finding, Installation
    from tests.support.database import Database


@pytest.mark.proves("check.complete")
async def test_an_installation_that_works_is_all_right(given: dict[str, str], graph: Database) -> None:
    async with hosted(calculator()) as host:
        await register(graph, "Calc", host.url)
        findings = await found(given)
    assert {check: finding.state for check, finding in findings.items()} == {
        "settings": "ok",
        "database": "ok",
        "clock": "ok",
        "imbi api": "ok",
        "mcp Calc": "ok",
        "ui": "ok",
        "key of the model": "ok",
        "key of secrets": "ok",
    }, findings
    assert "PostgreSQL" in findings["database"].detail
    assert "Apache AGE" in findings["database"].detail
    assert "tools" in findings["imbi api"].detail
    assert "tools" in findings["mcp Calc"].detail


@pytest.mark.proves("check.problems", "check.independent", "check.secrets")
async def test_without_a_database_the_other_checks_are_made(given: dict[str, str]) -> None:
    dsn = f"postgresql://nobody:{CANARY}@127.0.0.1:1/none"
    variables = given | {"POSTGRES_URL": dsn}
    installation = read_installation(variables)
    findings = presentable(await run_checks(installation), installation.settings)
    states = {finding.check: finding.state for finding in findings}
    assert [states[check] for check in ("database", "clock", "mcp")] == ["failed"] * 3
    assert states["imbi api"] == "ok"
    assert has_failed(findings)
    assert CANARY not in table(findings) + as_json(findings)
    assert len(table(findings).splitlines()) == len(findings)


@pytest.mark.proves("check.embedded")
async def test_embedded_parts_are_named_and_not_started() -> None:
    findings = await run_checks(read_installation({}), WITH_MODEL)
    assert {finding.state for finding in findings} == {"ok"}
    said = {finding.check: finding.detail for finding in findings}
    for check in ("database", "clock", "imbi api", "mcp", "ui", "model"):
        assert said[check] == "It is embedded; `imbi-assistant serve` starts it."


@pytest.mark.proves("check.independent", "check.secrets")
async def test_a_check_that_breaks_or_hangs_is_reported_alone(given: dict[str, str]) -> None:
    async def breaks(_installation: Installation) -> Sequence[Finding]:
        raise RuntimeError(CANARY)

    async def hangs(_installation: Installation) -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    checks: dict[str, Check] = {"breaks": breaks, "hangs": hangs, "settings": CHECKS["settings"]}
    findings = await run_checks(read_installation(given), checks, timeout_seconds=0.05)
    assert [(finding.check, finding.state) for finding in findings] == [
        ("breaks", "failed"),
        ("hangs", "failed"),
        ("settings", "ok"),
    ]
    assert "RuntimeError" in findings[0].detail
    assert CANARY not in table(findings)
    assert "0.05 seconds" in findings[1].detail
