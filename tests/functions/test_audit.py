"""The audit over HTTP: who may read it, what it contains, its filters and its pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.company.principals import ORGANIZATION_SLUG
from tests.support.audit_rows import query, rows_of
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

SECRET = "hunter2-and-more"  # what must not be found


async def audit(client: Client, **filters: Any) -> Sequence[Any]:
    response = await client.http.get("/audit", params=filters)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.content.splitlines()]


@pytest.fixture
async def admin(new_client: NewClient) -> Client:
    return await new_client(is_admin=True)


async def asked(client: Client, model_server: ModelServer, *calls: Any) -> str:
    conversation = await client.begin()
    model_server.script(reply(*calls), reply(text("Done.")))
    assert (await client.ask(conversation, "Do it")).done
    return conversation


@pytest.mark.proves("audit.one-row", "audit.route")
async def test_each_call_has_one_row_that_says_what_it_did(
    client: Client, admin: Client, model_server: ModelServer
) -> None:
    calls = (
        tool("list_projects", {"org_slug": ORGANIZATION_SLUG}, call_id="toolu_1"),
        tool("no_such_tool", {}, call_id="toolu_2"),
        tool("navigate_to", {"path": "/projects"}, call_id="toolu_3"),
    )
    conversation = await asked(client, model_server, *calls)
    rows = {row["call_id"]: row for row in await audit(admin, conversation=conversation)}
    assert [row["call_id"] for row in await audit(admin, conversation=conversation)][::-1] == list(rows)[::-1]
    assert set(rows) == {"toolu_1", "toolu_2", "toolu_3"}
    listed = rows["toolu_1"]
    assert (listed["user"], listed["source"], listed["effect"]) == (client.email, "imbi_api", "read")
    assert (listed["method"], listed["status"]) == ("GET", "ok")
    assert "{org_slug}" in listed["path_template"]
    assert json.loads(listed["arguments"]) == {"org_slug": ORGANIZATION_SLUG}
    assert listed["duration_ms"] >= 0
    assert listed["request_id"]
    assert (rows["toolu_2"]["status"], rows["toolu_2"]["source"]) == ("not_run", "unknown")
    assert rows["toolu_3"]["source"] == "browser"


@pytest.mark.proves("audit.no-secrets")
async def test_secrets_of_arguments_are_in_no_row(
    new_client: NewClient, model_server: ModelServer, database: Database
) -> None:
    client = await new_client()
    arguments = {
        "org_slug": ORGANIZATION_SLUG,
        "password": SECRET,
        "nested": [{"apiKey": SECRET}, {"op": "replace", "path": "/client_secret", "value": SECRET}],
        "url": f"https://bot:{SECRET}@example.com/x",
        "text": f"token={SECRET} Bearer {SECRET}",
    }
    conversation = await asked(client, model_server, tool("list_projects", arguments))
    [row] = await rows_of(database, conversation)
    assert SECRET not in json.dumps(row)
    assert ORGANIZATION_SLUG in row["arguments"]


@pytest.mark.proves("audit.route")
async def test_only_those_with_the_right_read_the_audit(new_client: NewClient) -> None:
    plain = await (await new_client()).http.get("/audit")
    assert (plain.status_code, plain.json()) == (403, {"detail": "You lack the permission for this"})


@pytest.mark.proves("audit.route")
async def test_filters_and_pages_give_every_row_once(client: Client, admin: Client, model_server: ModelServer) -> None:
    calls = [tool("list_projects", {"org_slug": ORGANIZATION_SLUG}, call_id=f"toolu_{n}") for n in range(5)]
    conversation = await asked(client, model_server, *calls, tool("navigate_to", {"path": "/"}, call_id="toolu_5"))
    everything = await audit(admin, conversation=conversation)
    assert len(everything) == 6
    assert {row["call_id"] for row in await audit(admin, user=client.email)} >= {row["call_id"] for row in everything}
    assert len(await audit(admin, conversation=conversation, tool="navigate_to")) == 1
    assert len(await audit(admin, conversation=conversation, source="imbi_api", status="ok")) == 5
    assert await audit(admin, conversation=conversation, since="2100-01-01T00:00:00Z") == []
    assert await audit(admin, conversation=conversation, until="2000-01-01T00:00:00+02:00") == []
    assert len(await audit(admin, conversation=conversation, since="2020-01-01T00:00:00")) == 6
    seen: list[Any] = []
    link = f"?conversation={conversation}&limit=4"
    while link:
        response = await admin.http.get(f"/audit{link}")
        seen += [json.loads(line) for line in response.content.splitlines()]
        link = response.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert seen == everything


@pytest.mark.proves("audit.route")
@pytest.mark.parametrize("wrong", ["since=yesterday", "since=20240101", "status=good", "before=2026-01-01", "user=%00"])
async def test_wrong_filters_are_refused(admin: Client, wrong: str) -> None:
    assert (await admin.http.get(f"/audit?{wrong}")).status_code == 422


@pytest.mark.proves("audit.required")
async def test_a_round_without_its_audit_rows_is_not_stored(
    new_client: NewClient, model_server: ModelServer, database: Database
) -> None:
    client = await new_client()
    conversation = await client.begin()
    rename = "ALTER TABLE {}.imbi_assistant_audit RENAME TO"
    model_server.script(reply(tool("list_projects", {"org_slug": ORGANIZATION_SLUG})))
    await query(database, f"{rename} audit_away")
    try:
        assert (await client.ask(conversation, "List them")).error["message"].startswith("The answer could not be")
    finally:
        await query(database, "ALTER TABLE {}.audit_away RENAME TO imbi_assistant_audit")
    assert [message["role"] for message in await client.messages(conversation)] == ["user"]
