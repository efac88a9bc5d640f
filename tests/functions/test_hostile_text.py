"""Hostile text in every field that reaches Cypher comes back unchanged and has no other effect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.service import claims_of, forged, token_of

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer
    from tests.support.service import Service

HOSTILE = {
    "dollars": "$$ $1 $id $$; DROP SCHEMA public CASCADE; --",
    "quotes": "'\"`''\"\"\\'\\\"",
    "backslashes": "\\ \\\\ \\n \\u0041 \\u0000 \\x00 C:\\temp\\",
    "braces": "{} {{}} {graph} {graph}. %s %(id)s %% {0}",
    "cypher": "'}) DETACH DELETE n RETURN n //",
    "cypher again": "\"}) MATCH (n) SET n.title = 'owned' RETURN n /*",
    "suffixes": '{"a": 1}::vertex "x"::edge ::path 1::numeric',
    "newlines": "a\nb\r\nc\rd\te\x0b\x0c\x85f",
    "separators": "a\u2028b\u2029c\ufeffd\u200be\u202ef",
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 é \U0010ffff",
    "controls": "".join(chr(code) for code in range(1, 32)) + "\x7f",
    "json": '{"tool_use": [{"id": "1"}]}',
    "null": "null",
    "number": "1e400 99999999999999999999",
    "sql": "'; DELETE FROM imbi.\"Message\"; --",
    "long": "x'\\\"$$😀" * 4000,
}  # fmt: skip


@pytest.mark.proves("graph.hostile-text")
@pytest.mark.parametrize("words", HOSTILE.values(), ids=[name.replace(" ", "-") for name in HOSTILE])
async def test_words_come_back_as_they_were(client: Client, model_server: ModelServer, words: str) -> None:
    bystander = await client.create()
    created = await client.create(model=words[:200])
    conversation = created["id"]
    assert created["model"] == words[:200]
    model_server.script(
        reply(text(words), tool("navigate_to", {"path": "/a", "x": words}, call_id="toolu_1")),
        reply(tool("refresh_data", {"resource": words}, call_id="toolu_2")),
        reply(text(words)),
    )
    answer = await client.ask(conversation, words)
    assert answer.text == words + words
    question, called, first, again, second, said = await client.messages(conversation)
    assert question["content"] == called["content"] == said["content"] == words
    assert called["tool_use"][0]["input"] == {"path": "/a", "x": words}
    assert again["tool_use"][0]["input"] == {"resource": words}
    assert first["tool_results"][0]["tool_use_id"] == "toolu_1"
    assert second["tool_results"][0]["is_error"] is True
    asked = model_server.chats[2].messages
    assert asked[0]["content"][-1]["text"] == words
    assert asked[1]["content"][1]["input"] == {"path": "/a", "x": words}
    renamed = await client.patch(conversation, title=words[:500])
    assert renamed["title"] == words[:500]
    assert (await client.get(conversation))["title"] == words[:500]
    assert await client.get(bystander["id"]) == {**bystander, "messages": [], "approval": None}
    await client.delete(conversation)


@pytest.mark.proves("graph.hostile-text")
@pytest.mark.parametrize("words", HOSTILE.values(), ids=[name.replace(" ", "-") for name in HOSTILE])
async def test_a_title_may_be_anything(client: Client, model_server: ModelServer, words: str) -> None:
    conversation = await client.begin()
    model_server.script(reply(text("Hello")))
    model_server.script_titles(reply(text(words)))
    title = (await client.ask(conversation, "Hi")).title
    assert title
    assert (await client.get(conversation))["title"] == title


@pytest.mark.proves("graph.hostile-text", "tokens.claims-are-required")
@pytest.mark.parametrize("words", HOSTILE.values(), ids=[name.replace(" ", "-") for name in HOSTILE])
async def test_a_user_may_have_any_name(service: Service, database: Database, words: str) -> None:
    email = await database.add_user(words[:300] + "@example.com", display_name=words[:300])
    jti = words[:300]
    async with service.client_with(forged(claims_of(email, jti=jti))) as client:
        created = await client.create()
        assert created["user_email"] == email
        assert [each["id"] for each in await client.list()] == [created["id"]]
    async with service.client_with(token_of(words[:300])) as nobody:
        assert (await nobody.http.get("/conversations")).status_code == 401


@pytest.mark.proves("graph.hostile-text")
async def test_characters_that_the_database_refuses_are_removed_from_results(
    api_client: Client, model_server: ModelServer
) -> None:
    conversation = await api_client.begin()
    model_server.script(
        reply(tool("echo", r'{"text": "a\u0000b\ud83d\ude00"}', call_id="toolu_1")),
        reply(text("NUL\0 here")),
        reply(text("Again")),
    )
    answer = await api_client.ask(conversation, "Hi")
    assert answer.end.name == "done"
    _, called, returned, said = await api_client.messages(conversation)
    assert called["tool_use"][0]["input"] == {"text": "a\0b😀"}
    assert "\0" not in json.dumps(returned["tool_results"])
    assert said["content"].replace("\0", "").replace("\ufffd", "") == "NUL here"
    assert (await api_client.ask(conversation, "And?")).text == "Again"
