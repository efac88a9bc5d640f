"""What a person sees of an answer in the Imbi UI of today, which hides the text before each tool call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aftermath import goes_on
from tests.support.model_server import error, reply, text, tool
from tests.support.ui_store import UiStore

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

ANSWER = "There are **three** projects."
PAGE = tool("navigate_to", {"path": "/projects"})
DATA = tool("refresh_data", {"resource": "projects"})
ECHO = tool("echo", {"text": "a"})
ENDINGS = [
    [reply(text(ANSWER), PAGE), reply()],
    [reply(text(ANSWER), PAGE, DATA), reply(text(" \n"))],
    [reply(text(ANSWER), PAGE), reply(DATA), reply()],
    [reply(text("Let me look."), ECHO), reply(text(ANSWER), PAGE), reply()],
    [reply(text(ANSWER), PAGE), reply(text(""), stop="max_tokens")],
    [reply(text(ANSWER), tool("navigate_to", {"path": "no path"})), reply()],
    [reply(text(ANSWER), ECHO, stop="max_tokens")],
    [reply(text(ANSWER), PAGE), *[reply(error("overloaded_error"))] * 3],
]


async def seen(client: Client, model_server: ModelServer, *script: Any) -> str:
    """Ask something; returns what the person sees at the end. The conversation must go on."""
    conversation = await client.begin()
    model_server.script(*script)
    answer = await client.ask(conversation, "Which projects are there?")
    model_server.clear()
    await goes_on(client, conversation, model_server)
    return UiStore.after(answer.events).bubble


@pytest.mark.proves("ui.hidden-answer")
@pytest.mark.parametrize("script", ENDINGS)
async def test_an_answer_before_browser_tools_is_told_again(
    api_client: Client, model_server: ModelServer, script: list[Any]
) -> None:
    bubble = await seen(api_client, model_server, *script)
    assert bubble.count(ANSWER) == 1
    assert "Let me look" not in bubble


@pytest.mark.proves("ui.hidden-answer")
async def test_an_answer_after_browser_tools_is_not_told_twice(api_client: Client, model_server: ModelServer) -> None:
    bubble = await seen(api_client, model_server, reply(text("I open it."), PAGE), reply(text(ANSWER)))
    assert bubble == ANSWER


@pytest.mark.proves("ui.hidden-answer")
@pytest.mark.parametrize(("arguments", "said"), [({"text": "a"}, "the steps are done"), ({}, "a step failed")])
async def test_after_other_tools_an_empty_reply_claims_no_success_that_there_was_not(
    api_client: Client, model_server: ModelServer, arguments: dict[str, Any], said: str
) -> None:
    bubble = await seen(api_client, model_server, reply(text("I do it."), tool("echo", arguments)), reply())
    assert said in bubble.lower()


@pytest.mark.proves("ui.visible-failure")
async def test_a_failure_after_words_is_told_in_words_that_are_not_stored(
    client: Client, model_server: ModelServer
) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Run this:\n```sh\nmake"), error("overloaded_error")))
    answer = await client.ask(conversation, "Hi")
    bubble = UiStore.after(answer.events).bubble
    assert bubble == f"Run this:\n```sh\nmake\n```\n\n*Interrupted: {answer.error['message']}*"
    assert answer.names[-3:] == ["text", "content_block_stop", "error"]
    stored = await goes_on(client, conversation, model_server)
    assert stored[-1]["content"] == "Run this:\n```sh\nmake"
    assert "Interrupted" not in str(model_server.chats[-1].messages)


@pytest.mark.proves("ui.visible-failure")
async def test_a_failure_without_words_is_told_by_the_error_alone(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    model_server.script(*[reply(error("overloaded_error"))] * 3)
    assert (await client.ask(conversation, "Hi")).names == ["error"]
