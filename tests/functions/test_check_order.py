"""The checks of a request come in one order on every route: the token's form, the conversation's id, the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from local_server import ROUTES as ROUTE_MODULES
from tests.support.proxy import proxied_database
from tests.support.round_trips import queries
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.service import Service

BODIES = {"PATCH": {"title": "New"}, "POST": {"content": "Hi", "decision": "approve"}, "PUT": {"rating": 1}}
MALFORMED = "not-a-uuid"


def routes() -> Iterator[tuple[str, str]]:
    """Yield method and path of every route that has a conversation's id."""
    for module in ROUTE_MODULES:
        for route in module.router.routes:
            if isinstance(route, APIRoute) and "{conversation_id}" in route.path:
                yield from ((method, route.path) for method in sorted(route.methods or ()))


ROUTES = list(routes())


async def status_of(client: Client, method: str, path: str, conversation: str) -> int:
    url = path.format(conversation_id=conversation, approval_id=uuid4(), message_id=uuid4())
    response = await client.http.request(method, url, json=BODIES.get(method))
    return response.status_code


@pytest.mark.proves("tokens.missing-is-401", "tokens.malformed-is-401")
@pytest.mark.parametrize("token", [None, "not-a-token"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_good_token_even_a_malformed_id_answers_401(
    service: Service, method: str, path: str, token: str | None
) -> None:
    async with service.client_with(token) as nobody:
        for conversation in (MALFORMED, str(uuid4())):
            assert await status_of(nobody, method, path, conversation) == 401


@pytest.mark.proves("conversations.foreign-is-404")
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_another_users_conversation_answers_404(
    client: Client, new_client: NewClient, method: str, path: str
) -> None:
    conversation = await client.begin()
    stranger = await new_client()
    assert await status_of(stranger, method, path, conversation) == 404
    assert await status_of(stranger, method, path, str(uuid4())) == 404


@pytest.mark.proves("conversations.odd-id-is-404", "input.no-query")
async def test_a_malformed_id_answers_404_without_a_query(start_service: StartService, database: Database) -> None:
    assert {method for method, _ in ROUTES} == {"GET", "PATCH", "DELETE", "POST", "PUT"}
    with proxied_database(database.dsn) as proxy:
        async with start_service(POSTGRES_URL=proxy.url).client(DEVELOPER) as client:
            await client.list()
            before = len(queries(proxy.trips))
            for method, path in ROUTES:
                for conversation in (MALFORMED, "1", "x" * 3000, "%00", "{" + str(uuid4()) + "}"):
                    url = path.replace("{conversation_id}", conversation)
                    response = await client.http.request(method, url, json=BODIES.get(method))
                    assert response.status_code == 404, (method, url)
            assert len(queries(proxy.trips)) == before
            await client.list()
            assert len(queries(proxy.trips)) > before
