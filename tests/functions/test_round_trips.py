"""The database round trips that a message costs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.proxy import proxied_database
from tests.support.round_trips import queries

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.proxy import Proxy

MOST_BEFORE_THE_MODEL = 4
MOST_IN_ALL = 8
MOST_OF_A_ROUND = 3


async def counted(client: Client, conversation: str, model_server: ModelServer, proxy: Proxy) -> tuple[int, int]:
    """Ask something; returns the round trips before the model's call and those of the whole answer."""
    at_call = []

    def called(_body: dict[str, Any]) -> Any:
        at_call.append(len(queries(proxy.trips)))
        return reply(text("Hello"))

    model_server.script(called)
    before = await settled(proxy)
    assert (await client.ask(conversation, f"Question {before}")).done
    return at_call[0] - before, await settled(proxy) - before


async def whole(client: Client, conversation: str, model_server: ModelServer, proxy: Proxy, *calls: Any) -> int:
    """Ask something that takes a round of tool calls; returns the round trips of the whole answer."""
    model_server.script(*([reply(*calls)] if calls else []), reply(text("Hello")))
    before = await settled(proxy)
    assert (await client.ask(conversation, f"Question {before}")).done
    return await settled(proxy) - before


async def settled(proxy: Proxy) -> int:
    """Wait until the pool has made its connections and the last answer has been cleaned up after."""
    seen = -1
    while seen != len(queries(proxy.trips)):
        seen = len(queries(proxy.trips))
        await asyncio.sleep(0.05)
    return seen


@pytest.mark.proves("turn.round-trips")
async def test_a_message_costs_few_round_trips_however_long_its_conversation(
    start_service: StartService, database: Database, model_server: ModelServer
) -> None:
    with proxied_database(database.dsn) as proxy:
        service = start_service(POSTGRES_URL=proxy.url, IMBI_ASSISTANT_MAX_CONVERSATION_TURNS="1000")
        async with service.client(await database.add_user()) as client:
            conversation = await client.begin()
            first = await counted(client, conversation, model_server, proxy)
            second = await counted(client, conversation, model_server, proxy)
            for _ in range(6):
                await counted(client, conversation, model_server, proxy)
            last = await counted(client, conversation, model_server, proxy)
    assert second[0] == last[0] <= first[0] <= MOST_BEFORE_THE_MODEL
    assert second[1] == last[1] <= first[1] <= MOST_IN_ALL


@pytest.mark.proves("turn.round-trips")
async def test_a_round_costs_the_same_round_trips_whatever_the_number_of_its_calls(
    start_service: StartService, database: Database, model_server: ModelServer
) -> None:
    """The fence with the intents of the changes is one round trip, and storing is a transaction."""
    look = tool("list_projects", {"org_slug": "acme"})
    change = tool("create_project", {"org_slug": "acme", "data": {"name": "New"}})
    with proxied_database(database.dsn) as proxy:
        # A second connection would be made at some time, with statements of its own.
        service = start_service(POSTGRES_URL=proxy.url, POSTGRES_MAX_POOL_SIZE="1")
        async with service.client(await database.add_user(is_admin=True)) as client:
            conversation = await client.begin()
            await whole(client, conversation, model_server, proxy, look)
            none = await whole(client, conversation, model_server, proxy)
            costs = {
                name: await whole(client, conversation, model_server, proxy, *calls) - none
                for name, calls in {"look": [look], "looks": [look] * 8, "changes": [change] * 8}.items()
            }
    assert set(costs.values()) == {MOST_OF_A_ROUND}
