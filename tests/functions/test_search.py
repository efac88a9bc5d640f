"""GET /conversations?q=…."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer


async def talk(client: Client, model_server: ModelServer, *turns: tuple[str, str]) -> str:
    """Begin a conversation of questions and answers; returns its id."""
    conversation = await client.begin()
    for question, answer in turns:
        model_server.script(reply(text(answer)))
        await client.ask(conversation, question)
    return conversation


async def found(client: Client, q: str, **query: Any) -> list[str]:
    return [str(each["id"]) for each in await client.list(q=q, **query)]


@pytest.mark.proves("search.words")
async def test_words_of_questions_answers_and_titles_are_found(
    new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    talked = await talk(client, model_server, ("How was the rollback?", "Checkout runs version seven again."))
    await client.patch(talked, title="A calm Thursday")
    other = await talk(client, model_server, ("Which teams are there?", "Three."))
    for words in ("rollback", "version seven", "Thursday", "thursday rollback seven", '"was the rollback"'):
        assert await found(client, words) == [talked], words
    assert await found(client, "rollback teams") == []
    assert await found(client, "rollback OR teams") == [other, talked]
    assert await found(client, "nobody-said-this") == []
    assert await found(client, "???") == []
    assert len(await client.list(q="  ")) == 2


@pytest.mark.proves("search.words")
@pytest.mark.parametrize(
    ("written", "sought"),
    [
        ("Die Bereitstellung in Zürich schlägt fehl", "zurich bereitst"),
        ("昨天的部署失败了,数据库没有启动", "部署失败"),
        ("昨天的部署失败了,数据库没有启动", "库"),
        ("배포가 실패했습니다", "배포"),
        ("Развёртывание не удалось", "РАЗВЕРТЫВАНИЕ"),
        ("इस परियोजना की तैनाती विफल हुई", "तैनाती"),
        ("การนำไปใช้งานล้มเหลว", "ใช้งาน"),
        ("see services/foo-bar_baz.py at v1.2.3", "foo-bar_baz.py v1.2"),
        ("Deployments of the libraries failed", "deploying library"),
        ('a\\\'b "c" & | ! <-> :* e\u0301t\u00e9', "ete"),
        ("x" * 300 + " tail", "x" * 300),
    ],
)
async def test_words_of_any_language_are_found(
    new_client: NewClient, model_server: ModelServer, written: str, sought: str
) -> None:
    client = await new_client()
    conversation = await talk(client, model_server, (written, "Yes."))
    assert await found(client, sought) == [conversation]


@pytest.mark.proves("search.operators")
async def test_quotes_and_minus_narrow_a_search(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    first = await talk(client, model_server, ("roll back the deployment", "Done."))
    second = await talk(client, model_server, ("back to the roll of deployments", "Fine."))
    assert sorted(await found(client, "roll back")) == sorted([first, second])
    assert await found(client, '"roll back"') == [first]
    assert await found(client, '"deployments"') == [second]
    assert await found(client, "deployment -fine") == [first]
    assert await found(client, "-fine") == [first]
    assert await found(client, '-"roll back" deployment') == [second]


@pytest.mark.proves("search.own-only")
async def test_a_search_finds_nothing_of_others_and_nothing_deleted(
    new_client: NewClient, model_server: ModelServer, database: Database
) -> None:
    mine, yours = await new_client(), await new_client()
    conversation = await talk(mine, model_server, ("the zanzibar incident", "Over."))
    assert await found(yours, "zanzibar") == []
    assert await found(yours, "zanz") == []
    await mine.delete(conversation)
    assert await found(mine, "zanzibar") == []
    async with database.connected() as connection:
        rows = await connection.execute(
            f'SELECT 1 FROM "{database.graph_name}".imbi_assistant_search WHERE conversation_id = %s'.encode(),  # noqa: S608  # the test's own
            (conversation,),
        )
        assert await rows.fetchall() == []


@pytest.mark.proves("search.snippet")
async def test_a_hit_has_all_fields_and_a_snippet(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    conversation = await talk(client, model_server, ("What **failed**?", "The `checkout` deployments failed *twice*."))
    [hit] = await client.list(q="checkout deployment")
    snippet = hit.pop("snippet")
    assert snippet == "The **checkout** **deployments** failed twice."
    assert [hit] == await client.list()
    await client.patch(conversation, title="Nightly trouble")
    [hit] = await client.list(q="nightly")
    assert hit["snippet"] == "**Nightly** trouble"


@pytest.mark.proves("search.pages")
async def test_hits_are_paged_and_archived_ones_are_left_out(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    oldest, middle, newest = [await talk(client, model_server, ("a kiwi", "Yes.")) for _ in range(3)]
    assert await found(client, "kiwi") == [newest, middle, oldest]
    assert await found(client, "kiwi", limit=1, offset=1) == [middle]
    await client.patch(middle, is_archived=True)
    assert await found(client, "kiwi") == [newest, oldest]
    assert await found(client, "kiwi", include_archived=True) == [newest, middle, oldest]


@pytest.mark.proves("search.order")
async def test_a_title_counts_more_than_a_question_and_a_question_more_than_an_answer(
    new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    title = await talk(client, model_server, ("one", "two"))
    await client.patch(title, title="papaya")
    question = await talk(client, model_server, ("papaya", "two"))
    answer = await talk(client, model_server, ("one", "papaya"))
    for conversation in (question, answer):
        await client.patch(conversation, title="something else")
    assert await found(client, "papaya") == [title, question, answer]


@pytest.mark.proves("search.not-indexed")
async def test_blocks_of_the_ui_and_results_of_tools_are_not_searched(
    new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    conversation = await client.begin()
    model_server.script(
        reply(text("A moment."), tool("list_teams", {"org_slug": "fernwood"}, call_id="toolu_1")), reply(text("Done."))
    )
    question = (
        "<context>\norganization: quixotic\n</context>\n<search_context>platypus</search_context>\nList the teams"
    )
    await client.ask(conversation, question)
    assert await found(client, "list teams moment done") == [conversation]
    for word in ("quixotic", "platypus", "fernwood", "slug"):
        assert await found(client, word) == [], word
    [hit] = await client.list(q='"list the teams"')
    assert hit["snippet"] == "**List** **the** **teams**"


@pytest.mark.proves("search.words")
async def test_the_longest_question_is_found_by_its_last_word(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    pairs = "".join(chr(0x4E00 + number % 20_000) for number in range(32_700))
    conversation = await talk(client, model_server, (f"{pairs} endmost", "Yes."))
    assert await found(client, "endmost") == [conversation]
    assert await found(client, pairs[32_000:32_010]) == [conversation]


@pytest.mark.proves("search.query-length")
async def test_a_query_that_is_too_long_or_cannot_be_stored_is_refused(new_client: NewClient) -> None:
    client = await new_client()
    assert await found(client, "- \" ' \\ & | ! ( ) <-> :* OR" * 18) == []
    for q in ("a" * 501, "a\0b"):
        assert (await client.http.get("/conversations", params={"q": q})).status_code == 422
    assert await found(client, "word " * 100) == []
