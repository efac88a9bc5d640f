"""A question can be asked again or edited: it replaces the earlier one with all that followed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.aftermath import check_stored
from tests.support.model_server import error, reply, text, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import StartService
    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer
    from tests.support.sse import Answer


async def edit(client: Client, conversation: str, content: str, replaces: str) -> Answer:
    async with client.stream(conversation, content, replaces=replaces) as stream:
        return await stream.rest()


def sent(model_server: ModelServer, chat: int) -> list[Json]:
    """Return the messages of a request without the marks of the cache."""
    messages = model_server.chats[chat].messages
    for message in messages:
        for block in message["content"]:
            block.pop("cache_control", None)
    return messages


async def everything(client: Client, conversation: str) -> Sequence[Json]:
    response = await client.http.get(f"/conversations/{conversation}", params={"include_superseded": True})
    messages: Sequence[Json] = response.json()["messages"]
    check_stored(messages)
    return messages


@pytest.mark.proves("retry.repeated", "retry.append-only")
async def test_a_question_repeated_after_its_answer_replaces_both(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(*[reply(text(words)) for words in ("Zero", "One", "Two", "Three")])
    await client.ask(conversation, "First?")
    await client.ask(conversation, "<context>\npage: /a\n</context>\n\nHow many?")
    await client.ask(conversation, "How many?")
    assert [message["content"] for message in await client.messages(conversation)] == [
        "First?",
        "Zero",
        "How many?",
        "Two",
    ]
    assert sent(model_server, 2)[:2] == sent(model_server, 1)[:2]
    assert "One" not in str(sent(model_server, 2))
    stored = await everything(client, conversation)
    assert [message["is_superseded"] for message in stored] == [False, False, True, True, False, False]
    await client.ask(conversation, "And?")
    assert [message["sequence"] for message in await client.messages(conversation)] == [0, 1, 4, 5, 6, 7]
    assert sent(model_server, 3)[: len(sent(model_server, 2))] == sent(model_server, 2)


@pytest.mark.proves("retry.repeated")
async def test_after_a_failure_the_question_is_not_doubled(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("It"), error()), reply(text("It is.")))
    assert (await client.ask(conversation, "Hi")).error
    assert (await client.ask(conversation, "Hi")).text == "It is."
    assert [message["content"] for message in await client.messages(conversation)] == ["Hi", "It is."]


@pytest.mark.proves("retry.edited", "retry.append-only")
async def test_an_edited_question_replaces_all_that_followed(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(*[reply(text(f"Answer {number}")) for number in range(4)])
    for number in range(3):
        await client.ask(conversation, f"Question {number}")
    second = (await client.messages(conversation))[2]["id"]
    assert (await edit(client, conversation, "Question 1, edited", second)).text == "Answer 3"
    assert [message["content"] for message in await client.messages(conversation)] == [
        "Question 0",
        "Answer 0",
        "Question 1, edited",
        "Answer 3",
    ]
    assert len(await everything(client, conversation)) == 8
    assert sent(model_server, 3)[:2] == sent(model_server, 1)[:2]


@pytest.mark.proves("retry.edited")
async def test_only_a_current_question_of_the_conversation_can_be_replaced(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    model_server.script(*[reply(text("Hello"))] * 3)
    await client.ask(conversation, "Hi")
    question, answer = await client.messages(conversation)
    await edit(client, conversation, "Hello?", question["id"])
    for replaces in (question["id"], answer["id"], str(uuid4()), "no id"):
        body = {"content": "Again", "replaces": replaces}
        response = await client.http.post(f"/conversations/{conversation}/messages", json=body)
        assert response.status_code == (422 if replaces == "no id" else 404), replaces
    assert len(model_server.chats) == 2
    assert (await client.ask(conversation, "And?")).done, "the lease is free"


@pytest.mark.proves("retry.done-calls")
async def test_the_model_learns_which_changes_a_replaced_answer_made(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    patch = {"org_slug": "fernwood", "team_slug": "none", "operations": []}
    calls = (tool("update_team", patch), tool("navigate_to", {"path": "/a"}))
    model_server.script(reply(*calls), reply(text("Done")), reply(text("Again")))
    await client.ask(conversation, "Rename it")
    await client.ask(conversation, "Rename it")
    sent = str(model_server.chats[-1].messages)
    assert "may have changed data" in sent
    assert "- update_team" in sent
    assert "- navigate_to" not in sent


@pytest.mark.proves("retry.done-calls")
async def test_the_model_learns_it_however_often_the_question_is_replaced(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    patch = {"org_slug": "fernwood", "team_slug": "none", "operations": []}
    model_server.script(reply(tool("update_team", patch)), *[reply(text("Done"))] * 4)
    for _ in range(3):
        await client.ask(conversation, "Rename it")
    told = [str(request.messages[-1]).count("- update_team") for request in model_server.chats]
    assert told == [0, 0, 1, 1], "each question that replaces another one tells of it once"
    await client.ask(conversation, "Thanks")
    assert str(model_server.chats[-1].messages).count("- update_team") == 1
    assert "failed: " in str(model_server.chats[-1].messages), "and how the call ended"


@pytest.mark.proves("retry.limits")
async def test_replaced_questions_do_not_count_but_have_a_limit(
    start_service: StartService, model_server: ModelServer
) -> None:
    async with start_service(IMBI_ASSISTANT_MAX_CONVERSATION_TURNS="1").client() as client:
        conversation = await client.begin()
        model_server.script(*[reply(text("Hello"))] * 5)
        for _ in range(5):
            assert (await client.ask(conversation, "Hi")).done
        assert (await client.post(conversation, "Other")).status_code == 400
        assert (await client.post(conversation, "Hi")).status_code == 400


@pytest.mark.proves("retry.repeated")
async def test_a_repeated_question_with_the_same_key_is_the_same_question(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("One")), reply(text("Two")))
    headers = {"Idempotency-Key": str(uuid4())}
    path = f"/conversations/{conversation}/messages"
    for _ in range(2):
        assert "One" in (await client.http.post(path, json={"content": "Hi"}, headers=headers)).text
    await client.ask(conversation, "Hi")
    assert "One" in (await client.http.post(path, json={"content": "Hi"}, headers=headers)).text
    assert len(model_server.chats) == 2
