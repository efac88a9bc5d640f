"""Every statement of the service, explained over many rows, uses indexes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.graph.agtype import render
from shared.graph.schema import EDGE_LABELS, VERTEX_LABELS, set_up
from shared.graph.statements import Cypher
from tests.support.database import Database, new_graph_name
from tests.support.statement_plans import ALL, VALUES, WITHOUT_CLEANING, explained, nodes_of, plan_of

MANY = 2000
SMALL = {"Role", "Permission", "GRANTS", "INHERITS_FROM", "MCPServer", "Organization"}
SMALL |= {"imbi_assistant_lease", "imbi_assistant_call"}
"""What an installation has few of (a lease lasts as long as an answer, an intent as long as a call)."""

FILL = (
    (
        "UNWIND range(1, $many) AS n CREATE (u:User {email: 'user-' + toString(n) + '@example.com'})"
        "-[:HAS_CONVERSATION]->(c:Conversation {id: 'conversation-' + toString(n), updated_at: toString(n),"
        " user_email: 'user-' + toString(n / 40) + '@example.com', is_archived: false}) RETURN count(u)"
    ),
    (
        "UNWIND range(1, $many) AS n CREATE (s:ServiceAccount {slug: 'bot-' + toString(n)})"
        "<-[:OWNED_BY]-(k:APIKey {key_id: 'ik_' + toString(n)}) RETURN count(s)"
    ),
    "UNWIND range(1, $many) AS n CREATE (t:TokenMetadata {jti: 'jti-' + toString(n)}) RETURN count(t)",
    (
        "UNWIND range(1, $many) AS n CREATE (o:Organization {slug: 'holder-' + toString(n)})-[:CONTAINS]->"
        "(m:Message {id: 'message-' + toString(n), sequence: n - 4 * (n / 4),"
        " conversation_id: 'conversation-' + toString(n / 4)}) RETURN count(m)"
    ),
    (
        "UNWIND range(1, $many) AS n CREATE (s:ServiceAccount {slug: 'more-' + toString(n)})"
        "-[:MEMBER_OF {role: 'viewer'}]->(o:Organization {slug: 'org-' + toString(n)}) RETURN count(s)"
    ),
)


@pytest.fixture(scope="module")
async def crowded(database: Database, anyio_backend: str) -> Any:  # noqa: ARG001  # a module's fixture needs the module's loop
    crowd = Database(database.dsn, new_graph_name())
    await set_up(crowd.dsn, crowd.graph_name)
    for statement in FILL:
        await crowd.cypher(statement, many=MANY)
    async with crowd.connected() as connection:
        leases = f"""INSERT INTO "{crowd.graph_name}".imbi_assistant_lease (conversation_id, holder, expires_at)
                     SELECT 'conversation-' || n, 'holder', now() FROM generate_series(1, {MANY}) n"""  # noqa: S608  # our own names
        await connection.execute(leases.encode())
        frames = f"""INSERT INTO "{crowd.graph_name}".imbi_assistant_frame
                     SELECT 'answer-' || n, 'conversation-' || n, 1, 1, '', true FROM generate_series(1, {MANY}) n"""  # noqa: S608  # our own names
        await connection.execute(frames.encode())
        for label in (*VERTEX_LABELS, *EDGE_LABELS, "imbi_assistant_lease", "imbi_assistant_frame"):
            await connection.execute(f'ANALYZE "{crowd.graph_name}"."{label}"'.encode())
    yield crowd
    await crowd.drop()


@pytest.mark.proves("graph.indexed")
@pytest.mark.parametrize("name", WITHOUT_CLEANING)
async def test_no_statement_reads_through_everybodys_rows(crowded: Database, name: str) -> None:
    # PostgreSQL reads through a table of a few pages, so it is told to avoid that wherever an index serves.
    nodes = nodes_of(await explained(crowded, ALL[name], "enable_seqscan = off"))
    read_through = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} - SMALL
    assert read_through == set()


@pytest.mark.proves("graph.indexed")
async def test_the_plans_see_what_an_index_is_missing_for(crowded: Database) -> None:
    careless = Cypher("MATCH (c:Conversation {id: $id}) RETURN c")
    nodes = await plan_of(crowded, careless)
    assert {node.get("Relation Name") for node in nodes if node["Node Type"] == "Seq Scan"} == {"Conversation"}


@pytest.mark.proves("graph.indexed")
async def test_the_list_is_read_in_its_order(crowded: Database) -> None:
    for name in ("conversation_statements.LIST_ALL", "conversation_statements.LIST_CURRENT"):
        kinds = {node["Node Type"] for node in await plan_of(crowded, ALL[name])}
        assert "Index Scan" in kinds or "Bitmap Heap Scan" in kinds


@pytest.mark.proves("graph.indexed")
def test_all_statements_were_found() -> None:
    assert not [name for name, statement in ALL.items() if isinstance(statement, Cypher)]
    assert {"conversation_statements.APPEND", "conversation_statements.MESSAGES"} <= ALL.keys()
    assert {"principals.FIND_USER", "leases.ACQUIRE"} <= ALL.keys()
    assert render(VALUES)
