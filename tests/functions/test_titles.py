"""The title of a conversation's first exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import error, http_error, redacted_thinking, reply, text, thinking, tool

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

QUESTION = "Which projects does the platform team own at present?"


async def titled(client: Client, model_server: ModelServer, question: str, *titles: Any) -> str | None:
    """Ask a first question; returns the title, as told and as stored."""
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    model_server.script_titles(*titles)
    answer = await client.ask(conversation, question)
    assert answer.names[-2:] == ["done", "title_updated"]
    assert (await client.get(conversation))["title"] == answer.title
    return answer.title


@pytest.mark.proves("stream.title-updated", "title.first-exchange")
async def test_the_first_exchange_gets_a_title_and_no_other(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin(model="claude-haiku-4-5")
    model_server.script(reply(text("Hello")), reply(text("Again")))
    model_server.script_titles(reply(text("Projects of Platform")))
    first = await client.ask(conversation, QUESTION)
    assert first.names[-2:] == ["done", "title_updated"]
    assert first.events[-1].data == {"title": "Projects of Platform"}
    second = await client.ask(conversation, "And?")
    assert second.names[-1] == "done"
    assert (await client.get(conversation))["title"] == "Projects of Platform"
    [request] = model_server.titles
    assert request.body["model"] == "claude-haiku-4-5"


@pytest.mark.proves("title.first-exchange")
@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("One two three four five six seven eight", "One two three four five six"),
        ('"Projects of Platform"', "Projects of Platform"),
        ("# Projects of Platform\n\nThis title names …", "Projects of Platform"),
        ("Title: Projects of Platform.", "Projects of Platform"),
        ("Here is a title:\n\n**Projects of Platform**", "Projects of Platform"),
        ("\n\n  **Projects**   of Platform ", "Projects of Platform"),
        ("Größe der Teams 😀", "Größe der Teams 😀"),
    ],
)
async def test_a_title_has_six_words_and_no_decoration(
    client: Client, model_server: ModelServer, written: str, title: str
) -> None:
    told = await titled(client, model_server, QUESTION, reply(text(written)))
    assert told == title
    assert len(told.split()) <= 6


@pytest.mark.proves("title.from-the-words")
@pytest.mark.parametrize(
    "question",
    [
        f"<context>\npage: /projects/123\nsecret: 42\n</context>\n\n{QUESTION}",
        f'<context kind="page">secret: 42</context>{QUESTION}\n<context>more secrets: 42</context>',
        f"<search_context>\nUser searched for: 42\n\n1. Project: 42\n</search_context>\n\n{QUESTION}",
        f"<context>\nsecret: 42\n</context>\n\n<search_context>\n42\n</search_context>\n\n{QUESTION}",
        f"{QUESTION}\n<context>secret: 42",
    ],
)
async def test_the_title_is_made_without_the_context(client: Client, model_server: ModelServer, question: str) -> None:
    await titled(client, model_server, question, reply(text("A title")))
    [request] = model_server.titles
    asked = str(request.messages)
    assert QUESTION in asked
    assert "42" not in asked
    assert "context" not in asked
    assert model_server.chats[0].messages[-1]["content"][-1]["text"] == question


@pytest.mark.proves("title.thinking-safe")
@pytest.mark.parametrize("before", [(thinking("Hm"),), (redacted_thinking(), thinking("Hm")), (text(""),)])
async def test_a_title_is_found_behind_other_blocks(
    client: Client, model_server: ModelServer, before: tuple[Any, ...]
) -> None:
    told = await titled(client, model_server, QUESTION, reply(*before, text("Projects of Platform")))
    assert told == "Projects of Platform"


@pytest.mark.proves("title.fallback")
@pytest.mark.parametrize(
    "failing",
    [
        http_error(529, "overloaded_error", x_should_retry="false"),
        http_error(400, "invalid_request_error", "no"),
        reply(),
        reply(thinking("Hm"), stop="max_tokens"),
        reply(text("  \n ")),
        reply(text('""')),
        reply(text("Half a"), error()),
    ],
    ids=["overloaded", "refused", "nothing", "thoughts", "blank", "quotes", "broken off"],
)
async def test_without_a_title_the_first_words_serve(client: Client, model_server: ModelServer, failing: Any) -> None:
    assert await titled(client, model_server, QUESTION, failing) == QUESTION


@pytest.mark.proves("title.fallback")
async def test_a_question_without_words_has_a_title_all_the_same(client: Client, model_server: ModelServer) -> None:
    failing = http_error(400, "invalid_request_error", "no")
    for question in ("<context>page: /projects</context>", "???", " \n"):
        told = await titled(client, model_server, question, failing)
        assert told
        assert told.strip()


@pytest.mark.proves("title.first-exchange")
async def test_an_exchange_that_failed_gets_no_title_and_the_next_does(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    model_server.script(http_error(400, "invalid_request_error", "no"), reply(text("Hello")))
    assert (await client.ask(conversation, "Hi")).names == ["error"]
    assert (await client.get(conversation))["title"] == "Hi", "the first words serve until then"
    assert (await client.ask(conversation, QUESTION)).title


@pytest.mark.proves("title.first-exchange")
async def test_an_exchange_with_tools_gets_its_title_at_its_end(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(tool("navigate_to", {"path": "/a"})), reply(text("There.")))
    answer = await client.ask(conversation, QUESTION)
    assert answer.names[-2:] == ["done", "title_updated"]
    assert len(model_server.titles) == 1


@pytest.mark.proves("title.first-exchange", "conversations.rename")
async def test_a_name_that_was_given_meanwhile_stays(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    hold = model_server.gate()
    model_server.script(reply(text("Hello")), reply(text("Again")))
    model_server.script_titles(reply(text("Generated"), first_byte=hold))
    async with client.stream(conversation, QUESTION) as stream:
        await stream.until("done")
        await hold.reached()
        await client.patch(conversation, title="Given")
        hold.open()
        assert (await stream.rest()).title is None
    assert (await client.get(conversation))["title"] == "Given"
    assert (await client.ask(conversation, "And?")).title is None


@pytest.mark.proves("title.first-exchange")
async def test_a_conversation_that_has_a_name_gets_no_other(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    await client.patch(conversation, title="Given")
    model_server.script(reply(text("Hello")))
    assert (await client.ask(conversation, QUESTION)).title is None
    assert model_server.titles == []
