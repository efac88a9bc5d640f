"""A demo Imbi API for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from local.demo_api import create_demo_api
from tests.support.demo_company import SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def api() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_demo_api(SECRET))
    async with httpx2.AsyncClient(transport=transport, base_url="http://imbi.test") as client:
        yield client
