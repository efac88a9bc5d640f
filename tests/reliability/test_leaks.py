"""Secrets stay where they belong: not in logs, events, errors, stored data or requests to the model."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import goes_on
from tests.support.background import served
from tests.support.faulty_api import RESET, faulty_api
from tests.support.model_server import http_error, reply, reset, text, tool
from tests.support.proxy import proxied
from tests.support.service import claims_of, forged

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_reply import Script
    from tests.support.model_server import ModelServer
    from tests.support.processes import Processes
    from tests.support.proxy import Proxy


def canary(kind: str) -> str:
    return f"canary-{kind}-{secrets.token_hex(16)}"


@pytest.mark.slow
@pytest.mark.proves("leaks.none")
async def test_no_secret_shows_anywhere(
    processes: Processes, new_client: NewClient, database: Database, model_server: ModelServer
) -> None:
    """Everything that can fail fails, at the most talkative level of the log."""
    user = await new_client()
    jwt_secret, key, password = canary("jwt"), canary("key"), canary("password")
    token = forged(claims_of(user.email), jwt_secret)
    with served(faulty_api()) as url, proxied(url) as api, proxied(database.dsn) as proxy:
        service = await processes.start(
            IMBI_AUTH_JWT_SECRET=jwt_secret,
            ANTHROPIC_API_KEY=key,
            POSTGRES_URL=proxy.url.replace("postgres@", f"postgres:{password}@"),
            IMBI_INTERNAL_API_URL=api.url,
            LOG_LEVEL="DEBUG",
        )
        client = service.client()
        client.http.headers["Authorization"] = f"Bearer {token}"
        async with client:
            conversation = await client.begin()
            api.break_at(RESET, arrives=False)
            received = await fail_with_the_model(client, conversation, model_server, key)
            await goes_on(client, conversation, model_server)
            received += await fail_with_the_database(client, conversation, proxy)
    service.kill()
    stored = await database.cypher(
        "MATCH (m:Message) WHERE m.conversation_id = $id RETURN properties(m)", id=conversation
    )
    asked = [str(request.body) for request in model_server.requests]
    places = {"log": service.log.read_text(), "client": str(received), "store": str(stored), "model": str(asked)}
    assert "authentication" in places["client"]
    for secret in (token, token.split(".")[2], jwt_secret, key, password):
        for place, content in places.items():
            assert secret not in content, f"a secret in the {place}"
    assert "canary" not in str(places)


async def fail_with_the_model(client: Client, conversation: str, model_server: ModelServer, key: str) -> list[str]:
    """Let tools and the model fail; returns what the client received."""
    calls = [tool(name) for name in ("crash", "reset", "short", "broken_json", "nope")]
    received = []
    scripts: tuple[tuple[Script, ...], ...] = (
        (reply(text("Look."), *calls), reply(text("So."))),
        (http_error(401, "authentication_error", f"invalid x-api-key: {key}"),),
        (reply(text("Hel"), reset()),),
    )
    for number, script in enumerate(scripts):
        model_server.script(*script)
        # The same question again would replace the one before.
        received.append(str((await client.ask(conversation, f"Hi {number}")).events))
    return received


async def fail_with_the_database(client: Client, conversation: str, proxy: Proxy) -> list[str]:
    """Send bad requests, some while the database is away; returns what the client received."""
    received = [(await client.post("1", "Hi")).text, (await client.post(conversation, "")).text]
    proxy.kill()
    received.append((await client.post(conversation, "Hi")).text)
    client.http.headers["Authorization"] += "x"
    proxy.revive()
    return [*received, (await client.post(conversation, "Hi")).text]
