"""GET /conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer


def ids(conversations: Sequence[dict[str, Any]]) -> list[str]:
    return [conversation["id"] for conversation in conversations]


async def several(client: Client, count: int) -> list[str]:
    """Begin conversations; returns their ids, the newest first."""
    return [await client.begin() for _ in range(count)][::-1]


@pytest.mark.proves("conversations.list-newest-first")
async def test_a_user_without_conversations_has_an_empty_list(new_client: NewClient) -> None:
    assert await (await new_client()).list() == []


@pytest.mark.proves("conversations.list-newest-first")
async def test_the_newest_comes_first(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    newest, middle, oldest = await several(client, 3)
    assert ids(await client.list()) == [newest, middle, oldest]
    await client.patch(oldest, title="Renamed")
    assert ids(await client.list()) == [oldest, newest, middle]
    model_server.script(reply(text("Hello")))
    await client.ask(middle, "Hi")
    assert ids(await client.list()) == [middle, oldest, newest]


@pytest.mark.proves("conversations.list-newest-first")
async def test_the_list_shows_conversations_without_their_messages(new_client: NewClient) -> None:
    client = await new_client()
    created = await client.create()
    assert await client.list() == [created]


@pytest.mark.proves("conversations.list-pages")
async def test_the_list_is_paged(new_client: NewClient) -> None:
    client = await new_client()
    everything = await several(client, 23)
    assert ids(await client.list()) == everything[:20]
    assert ids(await client.list(limit=5)) == everything[:5]
    assert ids(await client.list(limit=5, offset=5)) == everything[5:10]
    assert ids(await client.list(offset=20)) == everything[20:]
    assert await client.list(offset=23) == []
    for limit, offset, expected in ((0, 0, 1), (-7, 0, 1), (1000, 0, 23), (2, -3, 2), (10**30, -(10**30), 23)):
        assert ids(await client.list(limit=limit, offset=offset)) == everything[:expected]
    assert await client.list(offset=10**30) == []


@pytest.mark.proves("conversations.list-pages")
@pytest.mark.parametrize("query", [{"limit": "many"}, {"offset": "1.5"}, {"include_archived": "perhaps"}])
async def test_an_invalid_query_is_refused(client: Client, query: dict[str, str]) -> None:
    response = await client.http.get("/conversations", params=query)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][-1] in query


@pytest.mark.proves("conversations.list-archived")
async def test_archived_conversations_are_listed_when_they_are_asked_for(new_client: NewClient) -> None:
    client = await new_client()
    newest, oldest = await several(client, 2)
    await client.patch(oldest, is_archived=True)
    assert ids(await client.list()) == [newest]
    assert ids(await client.list(include_archived=False)) == [newest]
    assert ids(await client.list(include_archived=True)) == [oldest, newest]
    await client.patch(oldest, is_archived=False)
    assert ids(await client.list()) == [oldest, newest]


@pytest.mark.proves("conversations.list-archived", "conversations.list-pages")
async def test_archived_conversations_take_no_place_on_a_page(new_client: NewClient) -> None:
    client = await new_client()
    everything = await several(client, 4)
    await client.patch(everything[1], is_archived=True)
    assert ids(await client.list(limit=2)) == [everything[0], everything[2]]
    assert ids(await client.list(limit=2, offset=2)) == [everything[3]]


@pytest.mark.proves("conversations.list-by-key")
@pytest.mark.parametrize("include_archived", [False, True])
async def test_the_links_of_the_pages_lead_through_the_whole_list(
    new_client: NewClient,
    database: Database,
    include_archived: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    client = await new_client()
    made = await several(client, 9)
    times = ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000000+00:00", "2026-01-02T00:00:00Z")
    for place, conversation in enumerate(made[:6]):
        query = "MATCH (c:Conversation) WHERE c.id = $id SET c.updated_at = $time RETURN 1"
        await database.cypher(query, id=conversation, time=times[place // 2])
    await client.patch(made[8], is_archived=True)
    everything = ids(await client.list(include_archived=include_archived))
    assert len(everything) == (9 if include_archived else 8)
    url = f"/conversations?limit=2&include_archived={include_archived}"
    paged: list[list[str]] = []
    while url:
        response = await client.http.get(url)
        assert response.status_code == 200
        paged.append(ids(response.json()))
        following = response.links.get("next", {}).get("url", "")
        url = f"/conversations{following}" if following else ""
        assert ("before=" in url) == bool(url)
    assert [each for page in paged for each in page] == everything
    assert [len(page) for page in paged[:-1]] == [2] * (len(paged) - 1)
    assert paged[-1]


@pytest.mark.proves("conversations.list-by-key")
async def test_a_page_by_key_is_not_moved_by_new_conversations(new_client: NewClient) -> None:
    client = await new_client()
    everything = await several(client, 5)
    first = await client.http.get("/conversations?limit=2")
    newer = await client.begin()
    second = await client.http.get(f"/conversations{first.links['next']['url']}")
    assert ids(first.json()) + ids(second.json()) == everything[:4]
    assert (await client.list())[0]["id"] == newer
    skipped = await client.http.get(f"/conversations{first.links['next']['url']}&offset=1")
    assert ids(skipped.json()) == everything[3:5]
    assert "link" not in skipped.headers


@pytest.mark.proves("conversations.list-by-key")
@pytest.mark.parametrize("before", ["", "2026-01-01", ",id", "time,", "a\0,b", "x" * 301 + ",id"])
async def test_a_key_in_another_form_is_refused(client: Client, before: str) -> None:
    response = await client.http.get("/conversations", params={"before": before})
    assert response.status_code == 422
