"""The rotation of keys: several JWT secrets and several Fernet keys are valid at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet

from shared.auth import tokens
from shared.checks.rotation import rotate
from shared.domain.errors import SettingsError, Unauthenticated
from shared.graph.schema import set_up
from shared.settings import load
from tests.support.database import Database, new_graph_name
from tests.support.service import DEVELOPER, JWT_SECRET, claims_of, forged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.settings import Settings
    from tests.conftest import StartService

NEW = "a newer secret of the tests that is long enough for every HMAC"
OLD_SECRET = "an older secret of the tests that is long enough for every HMAC"
OLDEST, OLD, NEWEST = (Fernet.generate_key().decode() for _ in range(3))


def settings_of(database: Database, *keys: str) -> Settings:
    variables = {
        "POSTGRES_URL": database.dsn,
        "POSTGRES_GRAPH_NAME": database.graph_name,
        "IMBI_AUTH_JWT_SECRET": JWT_SECRET,
    }
    return load(variables | ({"IMBI_CONFIG_ENCRYPTION_KEY": ",".join(keys)} if keys else {}))


@pytest.fixture
async def graph(database: Database) -> AsyncIterator[Database]:
    """Make a graph of the test's own, because a rotation changes the servers of all tests."""
    own = Database(database.dsn, new_graph_name())
    await set_up(own.dsn, own.graph_name)
    yield own
    await own.drop()


@pytest.mark.proves("rotation.jwt")
async def test_tokens_of_the_old_and_of_the_new_secret_get_in_together(start_service: StartService) -> None:
    service = start_service(IMBI_AUTH_JWT_SECRET=f"{NEW}, {OLD_SECRET}")
    for secret in (NEW, OLD_SECRET):
        async with service.client_with(forged(claims_of(DEVELOPER), secret)) as client:
            assert (await client.http.get("/conversations")).status_code == 200
    async with service.client_with(forged(claims_of(DEVELOPER), f"{NEW}x")) as client:
        assert (await client.http.get("/conversations")).status_code == 401


@pytest.mark.proves("rotation.jwt")
def test_a_single_secret_with_a_comma_goes_on_to_work() -> None:
    secret = f"{NEW},{OLD_SECRET}"
    settings = load({"POSTGRES_URL": "postgresql://x/y", "IMBI_AUTH_JWT_SECRET": secret})
    assert tokens.verify(forged(claims_of("ada"), secret), settings.jwt_secrets).subject == "ada"
    with pytest.raises(Unauthenticated):
        tokens.verify(forged(claims_of("ada", exp=1), NEW), settings.jwt_secrets)


@pytest.mark.proves("rotation.jwt")
@pytest.mark.parametrize("value", [f"{NEW},short", f"{NEW},", "a, b"])
def test_parts_that_are_too_short_are_no_secrets(value: str) -> None:
    settings = load({"POSTGRES_URL": "postgresql://x/y", "IMBI_AUTH_JWT_SECRET": value})
    assert settings.jwt_secrets == (value,)


@pytest.mark.proves("rotation.fernet")
@pytest.mark.parametrize("value", [f"{NEWEST},short", f"{NEWEST},"])
def test_each_of_several_keys_must_be_a_fernet_key(value: str) -> None:
    with pytest.raises(SettingsError, match="IMBI_CONFIG_ENCRYPTION_KEY: must be a Fernet key"):
        settings_of(Database("postgresql://x/y", "imbi"), value)


@pytest.mark.proves("rotation.fernet")
async def test_a_rotation_encrypts_every_secret_with_the_newest_key(graph: Database) -> None:
    await add_server(graph, "wiki", OLDEST, enabled=False)
    await add_server(graph, "costs", OLD, enabled=True)
    await add_server(graph, "new", NEWEST, enabled=True)
    untouched = await secret_of(graph, "new")
    lines: list[str] = []
    assert await rotate(settings_of(graph, NEWEST, OLD, OLDEST), lines.append)
    assert lines[0] == "2 of 3 secrets were encrypted with the newest key."
    for name in ("wiki", "costs", "new"):
        assert Fernet(NEWEST).decrypt((await secret_of(graph, name)).encode()) == name.encode()
    assert await secret_of(graph, "new") == untouched
    assert await rotate(settings_of(graph, NEWEST), lines.append)


@pytest.mark.proves("rotation.fernet")
async def test_a_secret_that_no_key_decrypts_stays_and_is_named(graph: Database) -> None:
    await add_server(graph, "wiki", OLDEST, enabled=True)
    await add_server(graph, "costs", OLD, enabled=True)
    before = await secret_of(graph, "wiki")
    lines: list[str] = []
    assert not await rotate(settings_of(graph, NEWEST, OLD), lines.append)
    assert lines == [
        "wiki: no key decrypts static_value_encrypted. It stays as it is.",
        "1 of 2 secrets were encrypted with the newest key.",
    ]
    assert await secret_of(graph, "wiki") == before
    with pytest.raises(SettingsError, match="IMBI_CONFIG_ENCRYPTION_KEY is not set"):
        await rotate(settings_of(graph), lines.append)


async def add_server(graph: Database, name: str, key: str, *, enabled: bool) -> None:
    query = "CREATE (s:MCPServer {name: $name, enabled: $enabled, static_value_encrypted: $value}) RETURN 1"
    await graph.cypher(query, name=name, enabled=enabled, value=Fernet(key).encrypt(name.encode()).decode())


async def secret_of(graph: Database, name: str) -> str:
    [value] = await graph.cypher("MATCH (s:MCPServer) WHERE s.name = $name RETURN s.static_value_encrypted", name=name)
    return str(value)
