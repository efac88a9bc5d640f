"""The demo model and assistants in front of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import anthropic
import httpx2
import pytest

from local.demo_model import create_demo_model
from tests.support.demo_assistant import RESIDENT, Assistant, assistant_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_demo_model(words_per_second=math.inf))
    async with httpx2.AsyncClient(transport=transport, base_url="http://model") as client:
        yield client


@pytest.fixture(scope="module")
def claude(http: httpx2.AsyncClient) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key="any", base_url="http://model", max_retries=0, http_client=http)


@pytest.fixture(scope="module", params=["all", "few"])
def offering(request: pytest.FixtureRequest) -> str:
    """Whether all tools are offered, or few of them with a search for the others."""
    return str(request.param)


@pytest.fixture
async def admin(claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    return await assistant_of("admin@example.com", claude, offering)


@pytest.fixture(scope="module")
async def shared_reader(claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    return await assistant_of("admin@example.com", claude, offering)


@pytest.fixture
def reader(shared_reader: Assistant) -> Assistant:
    """An assistant at the beginning of a conversation, for questions that change nothing."""
    offered = None if shared_reader.offered is None else set(RESIDENT)
    return replace(shared_reader, messages=[], calls=[], rounds=[], searches=[], offered=offered)


@pytest.fixture
async def viewer(claude: anthropic.AsyncAnthropic, offering: str) -> Assistant:
    return await assistant_of("viewer@example.com", claude, offering)
