"""The fixtures of the reliability tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.background import served
from tests.support.counted_api import CountedApi
from tests.support.killed_changes import World
from tests.support.proxy import proxied, proxied_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.processes import Forked, Processes
    from tests.support.proxy import Proxy


@pytest.fixture(scope="module")
def database_proxy(database: Database) -> Iterator[Proxy]:
    """Return a proxy in front of the database."""
    with proxied(database.dsn) as proxy:
        yield proxy


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """Return an API that counts changes and a proxy in front of the database, for processes that are cut."""
    api = CountedApi()
    with served(api.app) as api.url, proxied_database(database.dsn) as proxy:
        yield World(api, proxy)


@pytest.fixture(scope="module")
async def _two(processes: Processes) -> AsyncIterator[tuple[Forked, Forked]]:
    pair = (await processes.start(), await processes.start())
    yield pair
    for each in pair:
        each.kill()


@pytest.fixture
async def two(_two: tuple[Forked, Forked], model_server: ModelServer) -> AsyncIterator[tuple[Client, Client]]:  # noqa: ARG001  # its script is the test's
    """Return the same user's clients of two processes."""
    async with _two[0].client() as one, _two[1].client() as other:
        yield one, other
