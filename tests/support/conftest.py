"""The scripted model server and its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import httpx2
import pytest

from tests.support.model_server import (
    ModelServer,
)
from tests.support.sample_requests import HEADERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def server(running: ModelServer) -> Iterator[ModelServer]:
    running.clear()
    yield running
    running.verify()


@pytest.fixture
async def sdk(server: ModelServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=server.url, api_key="key", max_retries=2, timeout=30) as client:
        yield client


@pytest.fixture
async def http(server: ModelServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url, headers=HEADERS, timeout=30) as client:
        yield client
