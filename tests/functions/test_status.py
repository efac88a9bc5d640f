"""GET /status."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from shared.graph.connector import connect
from shared.graph.schema import set_up
from tests.support.database import Database, new_graph_name
from tests.support.log_lines import written_log
from tests.support.proxy import proxied_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.service import Service


@pytest.mark.proves("status.fields", "status.no-authentication")
async def test_the_status_says_what_runs(service: Service) -> None:
    async with service.client_with(None) as nobody:
        response = await nobody.http.get("/status")
    assert response.status_code == 200
    status = response.json()
    started = datetime.fromisoformat(status.pop("started_at"))
    assert timedelta(0) < datetime.now(UTC) - started < timedelta(hours=1)
    assert status == {
        "environment": "development",
        "service": "imbi-assistant",
        "status": "ok",
        "version": metadata.version("imbi-assistant"),
    }


@pytest.mark.proves("status.no-authentication")
async def test_a_bad_token_does_not_matter(service: Service) -> None:
    async with service.client_with("nonsense") as nobody:
        assert (await nobody.http.get("/status")).status_code == 200


@pytest.mark.proves("status.livez")
async def test_the_process_lives_without_any_database(start_service: StartService) -> None:
    service = start_service(POSTGRES_URL="postgresql://nobody@127.0.0.1:1/none", IMBI_ASSISTANT_URL="/assistant")
    async with service.client_with(None) as nobody:
        for url in (f"{service.address}/livez", f"{service.url}/livez"):
            assert (await nobody.http.get(url)).json() == {"status": "ok"}
            assert (await nobody.http.head(url)).status_code == 200


@pytest.mark.proves("status.failing")
async def test_a_graph_that_is_not_there_fails(start_service: StartService) -> None:
    service = start_service(POSTGRES_GRAPH_NAME="nothing_here")
    async with service.client_with(None) as nobody:
        response = await nobody.http.get("/status")
    assert (response.status_code, response.json()["status"]) == (503, "failing")


@pytest.mark.proves("status.failing")
async def test_a_missing_part_fails_and_is_named_once(start_service: StartService, database: Database) -> None:
    async with own_graph(database) as own:
        service = start_service(POSTGRES_GRAPH_NAME=own.graph_name)
        async with service.client_with(None) as nobody:
            assert (await nobody.http.get("/status")).status_code == 200
            await execute(own, f'ALTER TABLE "{own.graph_name}".imbi_assistant_lease RENAME TO elsewhere')
            with written_log() as written:
                assert [(await nobody.http.get("/status")).status_code for _ in range(2)] == [503, 503]
            await execute(own, f'ALTER TABLE "{own.graph_name}".elsewhere RENAME TO imbi_assistant_lease')
            assert (await nobody.http.get("/status")).status_code == 200
    [line] = [each for each in written.objects if each["level"] == "ERROR"]
    assert "on imbi_assistant_lease" in line["message"]


@asynccontextmanager
async def own_graph(database: Database) -> AsyncIterator[Database]:
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    try:
        yield own
    finally:
        await own.drop()


async def execute(graph: Database, statement: str) -> None:
    async with await connect(graph.dsn) as connection:
        await connection.execute(statement.encode())


@pytest.mark.slow
@pytest.mark.proves("status.failing", "errors.unreachable-graph-is-503")
async def test_without_its_database_the_service_says_so_and_comes_back(
    start_service: StartService, database: Database
) -> None:
    with proxied_database(database.dsn) as proxy:
        service = start_service(POSTGRES_URL=proxy.url)
        async with service.client() as client:
            conversation = await client.begin()
            assert (await client.http.get("/status")).json()["status"] == "ok"
            proxy.kill()
            assert (await client.http.get("/status")).json()["status"] == "failing"
            await assert_unavailable(client, conversation)
            proxy.revive()
            async with asyncio.timeout(60):
                while (await client.http.get("/status")).json()["status"] != "ok":
                    pass
            assert (await client.get(conversation))["id"] == conversation


async def assert_unavailable(client: Client, conversation: str) -> None:
    responses = await asyncio.gather(
        client.http.get("/conversations"),
        client.http.post("/conversations"),
        client.http.get(f"/conversations/{conversation}"),
        client.http.patch(f"/conversations/{conversation}", json={"title": "a"}),
        client.http.delete(f"/conversations/{conversation}"),
        client.post(conversation, "Hi"),
    )
    for response in responses:
        assert response.status_code == 503
        assert response.json() == {"detail": "The database cannot be reached"}
        assert response.elapsed < timedelta(seconds=30)
