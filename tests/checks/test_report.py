"""The report of findings."""

from __future__ import annotations

import pytest

from shared.checks.configuration import read_installation
from shared.checks.findings import Finding
from shared.checks.report import presentable
from tests.support.installations import CANARY
from tests.support.service import JWT_SECRET


@pytest.mark.proves("check.secrets")
@pytest.mark.parametrize(
    "dsn", [f"postgresql://a:{CANARY}%40x@h/d", f"host=h password={CANARY}@x", "postgresql://[a:b"]
)
async def test_secrets_and_control_characters_are_not_shown(given: dict[str, str], dsn: str) -> None:
    settings = read_installation(given | {"POSTGRES_URL": dsn}).settings
    finding = Finding("mcp \x1b[2J", "failed", f"It said {JWT_SECRET}\nand {CANARY}@x, {dsn}.{'x' * 5000}")
    [shown] = presentable([finding], settings)
    assert shown.check == "mcp [2J"
    assert JWT_SECRET not in shown.detail
    assert dsn.startswith("postgresql://[") or CANARY not in shown.detail
    assert "\n" not in shown.detail
    assert len(shown.detail) < 2000
