"""The demo's cases with the demo model, the demo API and the demo MCP servers."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from local.chat.access import given
from local.demo_api import create_demo_api
from local.demo_model import create_demo_model
from local.eval.command import EvaluationOptions, evaluate
from local.eval.runner import RunOptions
from local.mcp_servers.on_call import create_on_call_server  # noqa: F401  # a slow import, once and in this thread
from local.mcp_servers.serving import demo_mcp_servers
from local.seed import register_mcp_servers
from tests.support.background import served
from tests.support.database import Database, new_graph_name
from tests.support.service import DEVELOPER, JWT_SECRET, token_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import StartService
    from tests.support.service import Service

KEY = Fernet.generate_key().decode()


@pytest.fixture
def model() -> Iterator[str]:
    with served(create_demo_model(words_per_second=math.inf)) as url:
        yield url


@pytest.fixture
def company() -> Iterator[str]:
    """Serve a demo API that no other test has changed."""
    with served(create_demo_api(JWT_SECRET)) as url:
        yield url


@pytest.fixture
async def demo(database: Database, model: str, company: str, start_service: StartService) -> AsyncIterator[Service]:
    """Serve the whole demo, with its MCP servers."""
    own = Database(database.dsn, new_graph_name())
    await own.prepare()
    async with demo_mcp_servers(KEY) as servers:
        async with own.connected() as connection:
            await register_mcp_servers(connection, own.graph_name, servers)
        yield start_service(
            POSTGRES_GRAPH_NAME=own.graph_name,
            IMBI_CONFIG_ENCRYPTION_KEY=KEY,
            ANTHROPIC_BASE_URL=model,
            IMBI_INTERNAL_API_URL=company,
        )
    await own.drop()


async def check_cases(service: Service, only: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = EvaluationOptions(cases="demo", only=only, run=RunOptions(2, 60, keeps=False))
    status = await asyncio.to_thread(evaluate, given(service.url, token_of(DEVELOPER)), options)
    assert status == 0, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.proves("eval.demo")
async def test_all_cases_of_the_demo_pass(demo: Service, capsys: pytest.CaptureFixture[str]) -> None:
    await check_cases(demo, "*", capsys)


@pytest.mark.proves("eval.demo")
async def test_some_cases_of_the_demo_pass(
    model: str, start_service: StartService, capsys: pytest.CaptureFixture[str]
) -> None:
    await check_cases(start_service(ANTHROPIC_BASE_URL=model), "Owner*", capsys)
