"""Fields of the graph that decide about access: a malformed value never opens anything."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from shared.auth.caller import Authenticator
from shared.domain.errors import Forbidden, Unauthenticated
from shared.graph import agtype
from shared.graph.connector import Connection, Graph
from shared.graph.mcp_servers import MCPServers
from shared.graph.principals import Principals
from tests.reliability.test_credentials import add_key, status_of
from tests.support.database import Database, new_graph_name
from tests.support.service import JWT_SECRET, claims_of, forged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.client import Client
    from tests.support.service import Service

NOT_BOOLEAN: tuple[Any, ...] = ("", "false", "true", "no", "tru", 0, 1, 2.5, [], [False], {"value": True}, "null")
NOT_A_LIST: tuple[Any, ...] = (
    "team:read",
    '["team:read"',
    '["team:read", ',
    "",
    " ",
    "null",
    "true",
    '"team:read"',
    '{"team:read": true}',
    {"team:read": True},
    7,
    True,
    [7],
    [None],
    ["team:read", 7],
    [["team:read"]],
    [""],
    '[""]',
    '["team:read", null]',
)
NOT_A_TIME: tuple[Any, ...] = (
    "",
    "never",
    "2999-13-01T00:00:00Z",
    "2999-01-01T",
    "null",
    "9" * 30,
    4102444800,
    4102444800.5,
    True,
    False,
    [],
    ["2999-01-01T00:00:00Z"],
    {"$date": "2999-01-01T00:00:00Z"},
)
NOT_A_HASH: tuple[Any, ...] = ("", "é", "$argon2id$", 5, [], "$argon2id$v=19$m=x,t=1,p=1$a$b")
MALFORMED = {"revoked": NOT_BOOLEAN, "scopes": NOT_A_LIST, "expires_at": NOT_A_TIME, "key_hash": NOT_A_HASH}
KEY_FIELDS = [(name, value) for name, values in MALFORMED.items() for value in values]


@dataclass(frozen=True)
class World:
    """A graph, with what reads it, and a way to write any properties."""

    database: Database
    connection: Connection
    graph: Graph

    @classmethod
    @asynccontextmanager
    async def of(cls, database: Database) -> AsyncIterator[World]:
        """Open what reads and writes the graph."""
        graph = Graph(database.dsn, database.graph_name, min_size=0)
        await graph.open()
        async with database.connected() as connection:
            yield cls(database, connection, graph)
        await graph.aclose()

    async def write(self, label: str, key: str, node: str, **properties: Any) -> None:
        """Give the one node the properties beside its key and those that it has."""
        statement = f"""
            UPDATE "{self.database.graph_name}"."{label}"
               SET properties = properties OPERATOR(ag_catalog.||) %s::ag_catalog.agtype
             WHERE ag_catalog.agtype_access_operator(properties, %s::ag_catalog.agtype) OPERATOR(ag_catalog.=)
                   %s::ag_catalog.agtype"""  # noqa: S608  # the names are the tests' own
        names = [agtype.render(value).decode() for value in (properties, key, node)]
        cursor = await self.connection.execute(statement.encode(), names)
        assert cursor.rowcount == 1

    async def admits(self, token: str) -> bool:
        """Return whether a token identifies a user or a service account."""
        authenticator = Authenticator((JWT_SECRET,), Principals(self.graph))
        try:
            await authenticator.identify(token, authenticator.read(token))
        except Unauthenticated:
            return False
        except Forbidden:
            return True
        return True


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with World.of(database) as world:
        yield world


@pytest.fixture
async def own_graph(database: Database) -> AsyncIterator[Database]:
    own = Database(database.dsn, new_graph_name())
    await own.prepare()
    yield own
    await own.drop()


@pytest.mark.proves("fail-closed.keys")
async def test_a_key_with_a_malformed_field_is_401(service: Service, client: Client, database: Database) -> None:
    assert await status_of(service, await add_key(database, client.email)) == 200
    malformed: tuple[dict[str, Any], ...] = ({"scopes": "team:read"}, {"scopes": '["a"'}, {"revoked": ""})
    for fields in malformed:
        assert await status_of(service, await add_key(database, client.email, **fields)) == 401, fields


@pytest.mark.proves("fail-closed.keys")
async def test_no_malformed_field_of_a_key_admits_it(world: World) -> None:
    key = await add_key(world.database, await world.database.add_user())
    key_id = "_".join(key.split("_")[:2])
    [node] = await world.database.cypher("MATCH (k:APIKey) WHERE k.key_id = $id RETURN properties(k)", id=key_id)
    node["expires_at"] = "2999-01-01T00:00:00Z"
    for name, value in KEY_FIELDS:
        await world.write("APIKey", "key_id", key_id, **{**node, name: value})
        assert not await world.admits(key), (name, value)
    await world.write("APIKey", "key_id", key_id, **node)
    assert await world.admits(key)


@pytest.mark.proves("fail-closed.keys")
async def test_a_key_with_two_owners_is_refused(world: World) -> None:
    key = await add_key(world.database, await world.database.add_user())
    assert await world.admits(key)
    await world.database.cypher(
        "MATCH (k:APIKey), (u:User) WHERE k.key_id = $id AND u.email = $email CREATE (k)-[:OWNED_BY]->(u) RETURN 1",
        id="_".join(key.split("_")[:2]),
        email=await world.database.add_user(),
    )
    assert not await world.admits(key)


@pytest.mark.proves("fail-closed.tokens")
async def test_a_token_whose_node_is_malformed_is_refused(world: World) -> None:
    claims = claims_of(await world.database.add_user())
    await world.database.cypher("CREATE (:TokenMetadata {jti: $jti}) RETURN 1", jti=claims["jti"])
    assert await world.admits(forged(claims))
    for value in NOT_BOOLEAN:
        await world.write("TokenMetadata", "jti", claims["jti"], revoked=value)
        assert not await world.admits(forged(claims)), value


@pytest.mark.proves("fail-closed.principals")
@pytest.mark.parametrize(("label", "key"), [("User", "email"), ("ServiceAccount", "slug")])
async def test_a_principal_whose_activity_is_malformed_is_refused(world: World, label: str, key: str) -> None:
    subject = f"p-{secrets.token_hex(4)}"
    method = {"auth_method": "client_credentials"} if label == "ServiceAccount" else {}
    await world.database.cypher(f"CREATE (:{label} {{{key}: $subject, is_active: true}}) RETURN 1", subject=subject)
    token = forged(claims_of(subject, **method))
    assert await world.admits(token)
    for value in NOT_BOOLEAN:
        await world.write(label, key, subject, is_active=value)
        assert not await world.admits(token), value


@pytest.mark.proves("fail-closed.principals")
async def test_a_malformed_administrator_is_none(world: World) -> None:
    email = await world.database.add_user()
    for value in (True, *NOT_BOOLEAN):
        await world.write("User", "email", email, is_admin=value)
        principal = (await Principals(world.graph).find(email, "jti")).principal
        assert principal is not None
        assert principal.is_admin is (value is True), value


@pytest.mark.proves("fail-closed.servers")
async def test_a_server_with_a_malformed_field_is_not_used(own_graph: Database) -> None:
    """It has a graph of its own, because a service reads the servers of all."""
    async with World.of(own_graph) as world:
        await _check_servers(world)


async def _check_servers(world: World) -> None:
    url = "https://mcp.example.com"
    await world.database.cypher("CREATE (:MCPServer {slug: 's', url: $url, enabled: true}) RETURN 1", url=url)
    servers = MCPServers(world.graph)
    assert [each.slug for each in await servers.enabled()] == ["s"]
    for value in NOT_A_LIST:
        await world.write("MCPServer", "slug", "s", ignored_tools=value)
        assert not await servers.enabled(), value
    await world.write("MCPServer", "slug", "s", ignored_tools=[])
    for value in NOT_BOOLEAN:
        await world.write("MCPServer", "slug", "s", enabled=True, verify_ssl=value, trusted=value, auth_type=[value])
        [server] = await servers.enabled()
        assert (server.verify_ssl, server.trusted, server.auth_type) == (True, False, "malformed"), value
        await world.write("MCPServer", "slug", "s", enabled=value)
        assert not await servers.enabled(), value
