"""GET /usage: the caller's own tokens, those of others, and the tokens of titles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import cut, reply, text, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
USED = dict(zip(COUNTS, (100, 20, 3, 4), strict=True))


async def usage(client: Client, **query: Any) -> Sequence[dict[str, Any]]:
    response = await client.http.get("/usage", params=query)
    assert response.status_code == 200, response.text
    rows: Sequence[dict[str, Any]] = response.json()
    return rows


@pytest.mark.proves("usage.route", "usage.counted")
async def test_a_user_sees_the_own_tokens_by_day_and_model(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    assert await usage(client) == []
    conversation = await client.begin(model="claude-opus-5-5")
    model_server.script(reply(tool("no_such_tool"), usage=USED), reply(text("Hello"), usage=USED))
    answer = await client.ask(conversation, "Hi")
    assert answer.done
    [row] = [each for each in await usage(client) if each["model"] == "claude-opus-5-5"]
    today = datetime.now(UTC).date()
    assert row["day"] in {str(today), str(today - timedelta(days=1))}
    titles = model_server.used() - 2 * sum(USED.values())
    total = sum(row[name] for name in COUNTS)
    assert total == 2 * sum(USED.values()) + titles
    assert (row["answers"], "user" in row) == (1, False)
    assert await usage(client, until=today - timedelta(days=2)) == []
    assert await usage(client, since=today + timedelta(days=2), until=today + timedelta(days=3)) == []


@pytest.mark.proves("usage.counted")
async def test_the_tokens_of_a_cut_answer_and_of_failed_attempts_count(
    new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    conversation = await client.begin()
    model_server.script(reply(text("Hel", cut()), usage=USED))
    assert (await client.ask(conversation, "Hi")).error
    [row] = await usage(client)
    assert sum(row[name] for name in COUNTS) == model_server.used() > 0


@pytest.mark.proves("usage.route")
async def test_others_usage_needs_a_permission(new_client: NewClient, model_server: ModelServer) -> None:
    client, admin = await new_client(), await new_client(is_admin=True)
    model_server.script(reply(text("Hello"), usage=USED))
    await client.ask(await client.begin(), "Hi")
    for query in ({"by": "user"}, {"user": admin.email}):
        assert (await client.http.get("/usage", params=query)).status_code == 403
    assert await usage(client, user=client.email) == await usage(admin, user=client.email)
    [row] = [each for each in await usage(admin, by="user") if each["user"] == client.email]
    assert "day" not in row
    assert row["answers"] == 1


@pytest.mark.proves("usage.route")
@pytest.mark.parametrize(
    "query", ["since=yesterday", "since=-2.3e-156", "since=20240101", "by=model", "until=2026-13-01", "user=%00"]
)
async def test_a_query_that_does_not_validate_is_refused(client: Client, query: str) -> None:
    assert (await client.http.get(f"/usage?{query}")).status_code == 422


@pytest.mark.proves("usage.route")
async def test_days_at_the_ends_of_the_calendar_are_answered(client: Client) -> None:
    for query in ("until=0001-01-01", "since=0001-01-01&until=9999-12-31"):
        assert (await client.http.get(f"/usage?{query}")).status_code == 200
