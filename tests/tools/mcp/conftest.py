"""Fixtures of the tests of external servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mcp_hosts import calculator, hosted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.mcp_hosts import Host


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def host_of_calculator() -> AsyncIterator[Host]:
    async with hosted(calculator()) as host:
        yield host
