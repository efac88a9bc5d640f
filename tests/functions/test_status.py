"""GET /status."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from tests.support.proxy import proxied_database

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.client import Client
    from tests.support.database import Database
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
