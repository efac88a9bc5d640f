"""The organizations of users, service accounts and owners of API keys, read with them in one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.graph.connector import Graph
from shared.graph.principals import Principals
from tests.support.database import Database, new_graph_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ORGANIZATIONS = ("south", "north")


@pytest.fixture
async def principals(database: Database) -> AsyncIterator[Principals]:
    own = Database(database.dsn, new_graph_name())
    await own.prepare()
    for slug in (*ORGANIZATIONS, "other"):
        await own.cypher("CREATE (o:Organization {slug: $slug, name: 'O'}) RETURN 1", slug=slug)
    await own.cypher("CREATE (u:User {email: 'a@example.com', is_active: true}) RETURN 1")
    await own.cypher("CREATE (u:User {email: 'nobody@example.com', is_active: true}) RETURN 1")
    await own.cypher("CREATE (s:ServiceAccount {slug: 'ci', is_active: true}) RETURN 1")
    for label, key, value in (("User", "email", "a@example.com"), ("ServiceAccount", "slug", "ci")):
        for slug in ORGANIZATIONS:
            await own.cypher(
                f"MATCH (p:{label}), (o:Organization) WHERE p.{key} = $value AND o.slug = $slug"
                " CREATE (p)-[:MEMBER_OF {role: 'viewer'}]->(o) RETURN 1",
                value=value,
                slug=slug,
            )
    await own.cypher(
        "MATCH (u:User) WHERE u.email = 'a@example.com'"
        " CREATE (k:APIKey {key_id: 'ik_1', key_hash: 'x', scopes: '[]'})-[:OWNED_BY]->(u) RETURN 1"
    )
    graph = Graph(own.dsn, own.graph_name, min_size=0)
    await graph.open()
    yield Principals(graph)
    await graph.aclose()
    await own.drop()


@pytest.mark.proves("prompt.organizations")
async def test_organizations_are_read_in_order_and_no_others(principals: Principals) -> None:
    expected = tuple(sorted(ORGANIZATIONS))
    user = (await principals.find("a@example.com", "jti")).principal
    account = (await principals.find("ci", "jti", is_service_account=True)).principal
    key = await principals.find_key("ik_1")
    assert user is not None
    assert account is not None
    assert key is not None
    assert key.owner is not None
    assert user.organizations == account.organizations == key.owner.organizations == expected
    assert "project:read" in user.permissions
    assert user.permissions.isdisjoint(ORGANIZATIONS)


@pytest.mark.proves("prompt.organizations")
async def test_a_user_without_an_organization_has_none(principals: Principals) -> None:
    user = (await principals.find("nobody@example.com", "jti")).principal
    assert user is not None
    assert user.organizations == ()
