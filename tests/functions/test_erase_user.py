"""DELETE /users/{email}/conversations: a dump of the service's tables has no trace of an erased user's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from shared.graph.audit_chains import AuditChains
from shared.graph.connector import Graph
from tests.support.audit_rows import query
from tests.support.model_server import reply, text, tool, wait

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

AUDIT = "imbi_assistant_audit"
"""The table that keeps who called which tool."""
NOT_OURS = {"User", "_ag_label_vertex", "_ag_label_edge"}


async def dump(database: Database, *without: str) -> str:
    """Return every row of the graph's schema as text, except for the users themselves and some tables."""
    found = await query(database, "SELECT tablename FROM pg_tables WHERE schemaname = %s", database.graph_name)
    tables = sorted({name for (name,) in found} - NOT_OURS - {*without})
    assert {"imbi_assistant_audit_text", "imbi_assistant_content", "Message"} <= set(tables)
    rows = [await query(database, f'SELECT row::text FROM {{}}."{name}" AS row') for name in tables]  # noqa: S608  # names of tables
    return "\n".join(line for each in rows for (line,) in each)


async def tokens_of_all(database: Database) -> str:
    [(total,)] = await query(database, "SELECT sum(input_tokens + output_tokens)::text FROM {}.imbi_assistant_usage")
    return str(total)


async def talked(client: Client, model_server: ModelServer, canary: str) -> str:
    """Leave a canary in a question, an answer, a call's arguments and result, and a title."""
    conversation = await client.begin()
    model_server.script(reply(tool("navigate_to", {"path": f"/{canary}"})), reply(text(f"Hello {canary}")))
    assert (await client.ask(conversation, f"I am {canary}")).done
    model_server.script(reply(tool("list_projects", {"org_slug": canary})), reply(text("There is none.")))
    assert (await client.ask(conversation, "Again")).done
    changed = await client.http.patch(f"/conversations/{conversation}", json={"title": f"About {canary}"})
    assert changed.status_code == 200
    return conversation


async def erase(admin: Client, email: str) -> int:
    return (await admin.http.delete(f"/users/{quote(email, safe='')}/conversations")).status_code


@pytest.mark.proves("erasure.no-trace", "erasure.audit")
async def test_a_dump_has_no_trace_of_an_erased_user(
    new_client: NewClient, model_server: ModelServer, database: Database
) -> None:
    gone = await new_client(display_name="canary-1f0c")
    kept, admin = await new_client(display_name="kept-77ab"), await new_client(is_admin=True)
    conversation = await talked(gone, model_server, "canary-1f0c")
    await gone.delete(await talked(gone, model_server, "canary-1f0c"))
    others = await talked(kept, model_server, "kept-77ab")
    before, tokens = await dump(database), await tokens_of_all(database)
    assert before.count("canary-1f0c") > 8
    assert gone.email in await dump(database, AUDIT)
    assert await erase(admin, gone.email.upper()) == 204
    after = await dump(database)
    assert "canary-1f0c" not in after
    assert gone.email not in await dump(database, AUDIT)
    assert await tokens_of_all(database) == tokens
    assert (await gone.http.get(f"/conversations/{conversation}")).status_code == 404
    assert after.count("kept-77ab") == before.count("kept-77ab")
    assert len(await kept.messages(others)) == 8
    rows = [
        json.loads(line) for line in (await admin.http.get("/audit", params={"user": gone.email})).content.splitlines()
    ]
    assert [(row["tool"], row["arguments"], row["path"]) for row in rows[:2]] == [
        ("list_projects", None, None),
        ("navigate_to", None, None),
    ]
    assert await erase(admin, gone.email) == 204


@pytest.mark.proves("erasure.audit")
async def test_chains_are_whole_after_an_erasure_and_a_changed_argument_shows(
    new_client: NewClient, model_server: ModelServer, database: Database
) -> None:
    gone, admin = await new_client(), await new_client(is_admin=True)
    await talked(gone, model_server, "canary-22aa")
    graph = Graph(database.dsn, database.graph_name)
    chains = AuditChains(graph)
    try:
        change = "UPDATE {}.imbi_assistant_audit_text SET content = replace(content, %s, %s) WHERE user_email = %s"
        await query(database, change, "canary-22aa", "canary-22bb", gone.email)
        found = [(await chains.verify(day)).problem for day in await chains.days()]
        assert any(problem and problem.startswith("The arguments of row") for problem in found)
        assert await erase(admin, gone.email) == 204
        assert [(await chains.verify(day)).problem for day in await chains.days()] == [None] * len(found)
    finally:
        await graph.aclose()


@pytest.mark.proves("erasure.no-trace")
async def test_an_erased_user_can_go_on(new_client: NewClient, model_server: ModelServer, database: Database) -> None:
    client, admin = await new_client(), await new_client(is_admin=True)
    await talked(client, model_server, "canary-33aa")
    assert await erase(admin, client.email) == 204
    conversation = await talked(client, model_server, "new-44bb")
    assert len(await client.messages(conversation)) == 8
    assert "canary-33aa" not in await dump(database)


@pytest.mark.proves("erasure.no-trace")
async def test_an_answer_that_runs_while_its_user_is_erased_leaves_no_trace(
    new_client: NewClient, model_server: ModelServer, database: Database
) -> None:
    client, admin = await new_client(), await new_client(is_admin=True)
    gate = model_server.gate()
    model_server.script(reply(text("It is canary-55cc. ", wait(gate), "More.")))
    conversation = await client.begin()
    async with client.stream(conversation, "Who is canary-55cc?") as stream:
        await stream.until("text")
        assert await erase(admin, client.email) == 204
        gate.open()
        assert (await stream.rest()).done["stop_reason"] == "stopped"
    left = await dump(database, AUDIT)
    assert "canary-55cc" not in left
    assert client.email not in left


@pytest.mark.proves("erasure.admins")
async def test_only_administrators_erase_and_an_unknown_user_is_not_found(new_client: NewClient) -> None:
    plain, admin = await new_client(), await new_client(is_admin=True)
    assert await erase(plain, plain.email) == 403
    assert await erase(admin, "nobody@example.com") == 404
    assert await erase(admin, plain.email) == 204
