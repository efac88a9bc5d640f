"""The check of external servers, against a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.installations import NOWHERE, found, register
from tests.support.mcp_hosts import calculator, hosted

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.mark.proves("check.problems", "check.independent")
async def test_a_server_that_is_down_does_not_hide_another(given: dict[str, str], graph: Database) -> None:
    async with hosted(calculator()) as host:
        await register(graph, "Up", host.url)
        await register(graph, "Down", f"{NOWHERE}/mcp")
        findings = await found(given, "mcp")
    assert findings["mcp Up"].state == "ok"
    assert findings["mcp Down"].state == "failed"
    assert "The server cannot be reached." in findings["mcp Down"].detail


@pytest.mark.proves("check.problems")
async def test_an_address_that_is_not_allowed_is_a_failure(given: dict[str, str], graph: Database) -> None:
    async with hosted(calculator()) as host:
        await register(graph, "Inside", host.url)
        findings = await found(given, "mcp", ENVIRONMENT="production")
        assert not host.seen
    assert findings["mcp Inside"].state == "failed"
    assert "an address that the assistant must not connect to" in findings["mcp Inside"].detail


@pytest.mark.proves("check.complete")
async def test_no_server_is_all_right(given: dict[str, str]) -> None:
    assert (await found(given, "mcp"))["mcp"].state == "ok"
