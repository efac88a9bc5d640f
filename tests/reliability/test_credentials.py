"""API keys, and credentials that end during an answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from shared.auth.api_keys import SecretVerifier, parse
from shared.auth.tokens import LEEWAY_SECONDS
from shared.domain.errors import Unauthenticated
from tests.support.aftermath import check_error, goes_on
from tests.support.model_server import reply, text, tool, wait
from tests.support.service import claims_of, forged

if TYPE_CHECKING:
    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

HASHER = PasswordHasher(time_cost=1, memory_cost=1024)


async def add_key(database: Database, owner: str, *, label: str = "User", **properties: Any) -> str:
    """Add an API key; gives it as its bearer sends it."""
    key_id, secret = f"ik_{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    row = {"key_id": key_id, "key_hash": HASHER.hash(secret), "revoked": False, "scopes": "[]", **properties}
    names = ", ".join(f"{name}: ${name}" for name in row)
    owned_by = "email" if label == "User" else "slug"
    await database.cypher(
        f"MATCH (p:{label}) WHERE p.{owned_by} = $owner CREATE (:APIKey {{{names}}})-[:OWNED_BY]->(p) RETURN 1",
        owner=owner,
        **row,
    )
    return f"{key_id}_{secret}"


async def status_of(service: Service, token: str) -> int:
    async with service.client_with(token) as client:
        return (await client.http.get("/conversations")).status_code


def soon(**change: float) -> str:
    return (datetime.now(UTC) + timedelta(**change)).isoformat()


@pytest.mark.proves("api-keys.accepted")
async def test_a_key_is_its_owner(
    service: Service, client: Client, database: Database, model_server: ModelServer
) -> None:
    key = await add_key(database, client.email, expires_at=soon(days=1))
    conversation = await client.begin()
    async with service.client_with(key) as same:
        assert (await same.get(conversation))["user_email"] == client.email
        await goes_on(same, conversation, model_server)


@pytest.mark.proves("api-keys.refused")
async def test_a_key_that_is_not_good_is_401(
    service: Service, client: Client, new_client: NewClient, database: Database
) -> None:
    inactive = await new_client(is_active=False)
    good = await add_key(database, client.email)
    refused = [
        f"{good}x",
        good.rpartition("_")[0] + "_",
        f"ik_{secrets.token_hex(6)}_{'x' * 20}",
        good.replace("ik_", "ik_x"),
        good + "x" * 600,
        await add_key(database, client.email, revoked=True),
        await add_key(database, client.email, expires_at=soon(seconds=-1)),
        await add_key(database, client.email, expires_at="tomorrow"),
        await add_key(database, client.email, key_hash="no hash"),
        await add_key(database, client.email, key_hash=""),
        await add_key(database, inactive.email),
    ]
    for key in refused:
        assert await status_of(service, key) == 401, key
    assert await status_of(service, good) == 200


@pytest.mark.proves("api-keys.refused")
async def test_a_key_ends_at_once_when_it_is_revoked(service: Service, client: Client, database: Database) -> None:
    key = await add_key(database, client.email)
    assert await status_of(service, key) == 200
    key_id = key.rpartition("_")[0] if key.count("_") == 2 else "_".join(key.split("_")[:2])
    await database.cypher("MATCH (k:APIKey) WHERE k.key_id = $id SET k.revoked = true RETURN 1", id=key_id)
    assert await status_of(service, key) == 401


@pytest.mark.proves("api-keys.service-accounts")
async def test_a_service_accounts_key_is_403(service: Service, database: Database) -> None:
    slug = f"robot-{secrets.token_hex(4)}"
    await database.cypher(
        "CREATE (:ServiceAccount {slug: $slug, display_name: 'Robot', is_active: true}) RETURN 1", slug=slug
    )
    key = await add_key(database, slug, label="ServiceAccount")
    assert await status_of(service, key) == 403
    assert await status_of(service, f"{key}x") == 401
    token = forged(claims_of(slug, auth_method="client_credentials"))
    assert await status_of(service, token) == 403


@pytest.mark.proves("api-keys.scopes")
async def test_scopes_narrow_what_the_owner_may(
    start_service: StartService, new_client: NewClient, database: Database, model_server: ModelServer
) -> None:
    owner = await new_client(is_admin=True)
    service = start_service(IMBI_ASSISTANT_TOOL_SEARCH="off")
    offered = {}
    for name, scopes in (
        ("all", "[]"),
        ("some", '["project:read"]'),
        ("unheard", '["no:such"]'),
        ("list", ["team:read"]),
    ):
        key = await add_key(database, owner.email, scopes=scopes)
        async with service.client_with(key) as client:
            await goes_on(client, await client.begin(), model_server)
        offered[name] = set(model_server.chats[-1].tool_names)
        model_server.clear()
    assert offered["unheard"] < offered["some"] < offered["all"]
    assert offered["unheard"] < offered["list"] < offered["all"]
    assert offered["list"] != offered["some"]


@pytest.mark.proves("api-keys.last-used")
async def test_a_keys_use_is_noted_at_most_once_a_minute(service: Service, client: Client, database: Database) -> None:
    key = await add_key(database, client.email)
    key_id = "_".join(key.split("_")[:2])
    query = "MATCH (k:APIKey) WHERE k.key_id = $id RETURN k.last_used"
    assert await database.cypher(query, id=key_id) == [None]
    assert set(await asyncio.gather(*(status_of(service, key) for _ in range(10)))) == {200}
    [noted] = await database.cypher(query, id=key_id)
    assert abs(datetime.fromisoformat(noted).timestamp() - time.time()) < 60
    assert await status_of(service, key) == 200
    assert await database.cypher(query, id=key_id) == [noted]


class CountingExecutor(ThreadPoolExecutor):
    """An executor that counts what it is given to do."""

    submitted = 0

    def submit(self, *arguments: Any, **keywords: Any) -> Future[Any]:
        """Count and run."""
        self.submitted += 1
        return super().submit(*arguments, **keywords)


@pytest.mark.proves("api-keys.off-the-loop")
def test_a_secret_is_hashed_in_a_thread_beside_the_event_loop() -> None:
    async def check() -> int:
        executor = CountingExecutor()
        asyncio.get_running_loop().set_default_executor(executor)
        with pytest.raises(Unauthenticated):
            await SecretVerifier().verify(parse("ik_1_wrong"), PasswordHasher(time_cost=1).hash("right"))
        return executor.submitted

    assert asyncio.run(check()) == 1


@pytest.mark.proves("api-keys.off-the-loop")
async def test_wrong_secrets_at_more_than_full_cost_are_refused_while_others_are_answered(
    service: Service, client: Client, database: Database
) -> None:
    good = await add_key(database, client.email, key_hash=PasswordHasher(time_cost=4).hash("right"))
    guessing = [asyncio.create_task(status_of(service, f"{good}{n}")) for n in range(8)]
    assert await client.list(limit=1) is not None
    assert {await guess for guess in guessing} == {401}


ENDINGS = (pytest.param("expired", marks=pytest.mark.slow), "revoked", "inactive")


@pytest.mark.proves("credentials.mid-turn", "turn.replayable", "turn.round-is-atomic")
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_token_that_ends_in_mid_turn_runs_no_further_tool(
    service: Service, new_client: NewClient, database: Database, model_server: ModelServer, ending: str
) -> None:
    user = await new_client()
    ends_at = int(time.time()) + (2 if ending == "expired" else 600)
    claims = claims_of(user.email, exp=ends_at)
    gate = model_server.gate()
    model_server.script(
        reply(text("One. "), tool("navigate_to", {"path": "/one"})),
        reply(text("Two.", wait(gate)), tool("navigate_to", {"path": "/two"})),
    )
    async with service.client_with(forged(claims)) as client:
        conversation = await client.begin()
        async with client.stream(conversation, "Hi") as stream:
            await gate.reached()
            await _end(database, user.email, claims, ending)
            gate.open()
            answer = await stream.rest()
    check_error(answer.error, "authentication")
    assert answer.error["retryable"] is False
    assert [event.data["params"]["path"] for event in answer.of("client_action")] == ["/one"]
    await database.cypher("MATCH (u:User) WHERE u.email = $email SET u.is_active = true RETURN 1", email=user.email)
    before = await goes_on(user, conversation, model_server)
    assert [message["content"] for message in before] == ["Hi", "One. ", "", "Two.", ""]
    assert before[4]["tool_results"][0]["is_error"] is True


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.proves("credentials.watched", "turn.replayable")
async def test_a_caller_who_loses_the_right_loses_the_answer_while_the_model_writes(
    service: Service, database: Database, model_server: ModelServer
) -> None:
    """The model would write forever, so nothing but the watch ends the answers."""
    endings = ("expired", "revoked", "inactive")
    gate = model_server.gate()
    model_server.script(*(reply(text("One.", wait(gate))) for _ in endings))
    try:
        await asyncio.gather(*(_lose_the_right(service, database, ending) for ending in endings))
    finally:
        gate.open()


async def _lose_the_right(service: Service, database: Database, ending: str) -> None:
    email = await database.add_user()
    claims = claims_of(email, exp=int(time.time()) + (10 if ending == "expired" else 600))
    async with service.client_with(forged(claims)) as client, service.client(email) as later:
        conversation = await client.begin()
        async with client.stream(conversation, "Hi") as stream:
            if ending != "expired":
                await _end(database, email, claims, ending)
            answer = await stream.rest()
        check_error(answer.error, "authentication")
        await database.cypher("MATCH (u:User) WHERE u.email = $email SET u.is_active = true RETURN 1", email=email)
        assert [each["content"] for each in await later.messages(conversation)] == ["Hi", "One."]


async def _end(database: Database, email: str, claims: dict[str, Any], ending: str) -> None:
    if ending == "expired":
        await asyncio.sleep(max(0.0, claims["exp"] + LEEWAY_SECONDS - time.time()) + 0.1)
    elif ending == "revoked":
        await database.cypher("CREATE (:TokenMetadata {jti: $jti, revoked: true}) RETURN 1", jti=claims["jti"])
    else:
        await database.cypher("MATCH (u:User) WHERE u.email = $email SET u.is_active = false RETURN 1", email=email)
