"""Request bodies that do not validate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.model_server import ModelServer

AS_JSON = {"Content-Type": "application/json"}
UNSTORABLE = [r'"a\u0000b"', r'"\ud800"', r'"a\udfffb"']
WRONG_TEXTS = ["1", "true", "[]", "{}", "NaN", "Infinity", '""', *UNSTORABLE]


def bodies(field: str, *values: str) -> list[bytes]:
    return [f'{{"{field}": {value}}}'.encode() for value in values]


MESSAGES = [
    *bodies("content", "null", *WRONG_TEXTS, json.dumps("x" * 32_769)),
    b"",
    b"{}",
    b"null",
    b"[]",
    b'"Hi"',
    b"{",
    b'{"content": "Hi"',
    b"\xff\xfe",
    b'{"content": "\xed\xa0\x80"}',
    b"[" * 100_000,
]


async def refused(client: Client, method: str, path: str, content: bytes) -> Any:
    response = await client.http.request(method, path, content=content, headers=AS_JSON)
    assert response.status_code == 422, response.text
    assert response.json().keys() == {"detail"}
    return response


@pytest.mark.proves("errors.invalid-body-is-422", "messages.content-length")
@pytest.mark.parametrize("content", MESSAGES, ids=range(len(MESSAGES)))
async def test_a_message_that_does_not_validate_is_refused(client: Client, content: bytes) -> None:
    conversation = await client.begin()
    await refused(client, "POST", f"/conversations/{conversation}/messages", content)
    assert await client.messages(conversation) == []


@pytest.mark.proves("errors.invalid-body-is-422")
@pytest.mark.parametrize("value", [*WRONG_TEXTS, json.dumps("x" * 201)], ids=range(len(WRONG_TEXTS) + 1))
async def test_a_model_that_does_not_validate_is_refused(client: Client, value: str) -> None:
    await refused(client, "POST", "/conversations", bodies("model", value)[0])


@pytest.mark.proves("errors.invalid-body-is-422")
@pytest.mark.parametrize(
    "content",
    [
        *bodies("title", *WRONG_TEXTS, json.dumps("x" * 501)),
        *bodies("is_archived", '"perhaps"', "2", "[]", "NaN"),
        b"",
        b"[]",
        b"null",
    ],
)
async def test_a_change_that_does_not_validate_is_refused(client: Client, content: bytes) -> None:
    created = await client.create()
    await refused(client, "PATCH", f"/conversations/{created['id']}", content)
    assert await client.get(created["id"]) == {**created, "messages": [], "approval": None}


@pytest.mark.proves("errors.invalid-body-is-422")
async def test_the_refused_text_is_not_repeated(client: Client) -> None:
    conversation = await client.begin()
    path = f"/conversations/{conversation}/messages"
    for content in (b'{"content": ["a secret"]}', rb'{"content": "a secret\u0000"}', b'{"content": "a secret'):
        response = await refused(client, "POST", path, content)
        assert "a secret" not in response.text
        assert response.json()["detail"][0].keys() == {"type", "loc", "msg"}


@pytest.mark.proves("messages.content-length")
@pytest.mark.parametrize("content", ["x", "x" * 32_768, "😀" * 32_768], ids=["shortest", "longest", "widest"])
async def test_a_message_may_have_the_documented_length(
    client: Client, model_server: ModelServer, content: str
) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    assert (await client.ask(conversation, content)).done
    assert (await client.messages(conversation))[0]["content"] == content
    assert model_server.chats[0].messages[0]["content"][-1]["text"] == content


@pytest.mark.proves("errors.invalid-body-is-422")
async def test_fields_that_are_not_known_do_no_harm(client: Client, model_server: ModelServer) -> None:
    created = await client.create(colour="blue", id="1")
    assert created["id"] != "1"
    model_server.script(reply(text("Hello")))
    path = f"/conversations/{created['id']}/messages"
    response = await client.http.post(path, json={"content": "Hi", "role": "assistant", "sequence": 7})
    assert response.status_code == 200
    assert [message["role"] for message in await client.messages(created["id"])] == ["user", "assistant"]
