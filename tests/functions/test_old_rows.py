"""Rows of an earlier version, broken ones too, are read, shown, repaired and continued."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.model_server import reply, text
from tests.support.old_rows import Writer

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

CALL = {"id": "toolu_1", "name": "list_projects", "input": {"org_slug": "acme"}}
OTHER = {"id": "toolu_2", "name": "get_team", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "80 projects"}
OTHER_RESULT = {"type": "tool_result", "tool_use_id": "toolu_2", "content": "none", "is_error": True}
ASKED = {"role": "user", "content": "How many?"}
SAID = {"role": "assistant", "content": "Eighty."}


@pytest.fixture
def writer(database: Database, client: Client) -> Writer:
    return Writer(database, client.email)


async def continued(client: Client, model_server: ModelServer, conversation: str) -> list[dict[str, Any]]:
    """Go on with a conversation: the model server refuses what the API would. Gives the messages it was sent."""
    before = await client.messages(conversation)
    model_server.script(reply(text("It goes on.")))
    assert (await client.ask(conversation, "And now?")).text == "It goes on."
    after = await client.messages(conversation)
    assert after[: len(before)] == before
    assert [message["content"] for message in after[len(before) :]] == ["And now?", "It goes on."]
    assert after[-1]["sequence"] == after[-2]["sequence"] + 1
    sent = model_server.chats[-1].messages
    assert sent[-1]["content"][-1]["text"] == "And now?"
    return sent


def kinds(sent: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(message["role"], [part["type"] for part in message["content"]]) for message in sent]


@pytest.mark.proves("turn.old-rows", "graph.json-forms")
@pytest.mark.parametrize("as_text", [True, False], ids=["JSON text", "as they are"])
async def test_lists_are_read_in_both_forms(
    client: Client, writer: Writer, model_server: ModelServer, *, as_text: bool
) -> None:
    def form(value: Any) -> Any:
        return json.dumps(value) if as_text else value

    conversation = await writer.write(
        ASKED,
        {"role": "assistant", "content": "Let me see.", "tool_use": form([CALL, OTHER])},
        {"role": "user", "content": "", "tool_results": form([RESULT, OTHER_RESULT])},
        {**SAID, "token_usage": form({"input_tokens": 3, "output_tokens": 4})},
    )
    _, called, returned, said = await client.messages(conversation)
    assert called["tool_use"] == [CALL, OTHER]
    assert returned["tool_results"] == [RESULT, OTHER_RESULT]
    assert said["token_usage"] == {"input_tokens": 3, "output_tokens": 4}
    sent = await continued(client, model_server, conversation)
    assert kinds(sent) == [
        ("user", ["text"]),
        ("assistant", ["text", "tool_use", "tool_use"]),
        ("user", ["tool_result", "tool_result"]),
        ("assistant", ["text"]),
        ("user", ["text", "text"]),
    ]
    assert sent[1]["content"][1] == {"type": "tool_use", **CALL}


@pytest.mark.proves("turn.old-rows", "conversations.get")
async def test_properties_that_an_earlier_version_left_out_are_not_needed(
    client: Client, writer: Writer, model_server: ModelServer
) -> None:
    conversation = await writer.write(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello", "tool_use": None, "tool_results": "null", "token_usage": ""},
        title=...,
        updated_at=...,
        is_archived=...,
    )
    read = await client.get(conversation)
    assert (read["title"], read["is_archived"], read["updated_at"]) == (None, False, read["created_at"])
    for message in read["messages"]:
        assert (message["tool_use"], message["tool_results"], message["token_usage"]) == (None, None, None)
    assert conversation in [each["id"] for each in await client.list(limit=100)]
    await continued(client, model_server, conversation)


@pytest.mark.proves("turn.old-rows")
@pytest.mark.parametrize("time", ["2025-03-04T05:06:07Z", "2025-03-04T05:06:07", "2025-03-04 05:06:07.123456+02:00"])
async def test_times_are_read_in_other_forms(client: Client, writer: Writer, time: str) -> None:
    conversation = await writer.write({**ASKED, "created_at": time}, created_at=time, updated_at=time)
    read = await client.get(conversation)
    assert read["created_at"].startswith("2025-03-04T0")
    assert read["messages"][0]["created_at"] == read["created_at"]


CALLED = {**SAID, "tool_use": [CALL]}


def returned(*results: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": "", "tool_results": [*results], **fields}


BROKEN: dict[str, list[dict[str, Any]]] = {
    "calls after the round limit": [ASKED, CALLED],
    "calls without results, and on": [ASKED, CALLED, ASKED, SAID],
    "only calls, without results": [ASKED, {"role": "assistant", "content": "", "tool_use": [CALL, OTHER]}],
    "half of the results": [ASKED, {**SAID, "tool_use": [CALL, OTHER]}, returned(RESULT)],
    "results without calls": [ASKED, SAID, returned(RESULT)],
    "results first": [returned(RESULT), SAID],
    "results too late": [
        ASKED,
        CALLED,
        ASKED,
        SAID,
        returned(RESULT),
        SAID,
    ],
    "the same call twice": [
        ASKED,
        CALLED,
        returned(RESULT),
        CALLED,
        returned(RESULT),
        SAID,
    ],
    "the same call twice in one": [ASKED, {**SAID, "tool_use": [CALL, CALL]}],
    "the same result twice": [ASKED, CALLED, returned(RESULT, RESULT)],
    "an empty last message": [ASKED, {"role": "assistant", "content": ""}],
    "an empty message between": [ASKED, {"role": "assistant", "content": ""}, ASKED, SAID],
    "a blank message": [ASKED, {"role": "assistant", "content": " \n"}],
    "an empty question": [{"role": "user", "content": ""}, SAID],
    "the assistant first": [SAID, ASKED, SAID],
    "two questions": [ASKED, ASKED],
    "two answers": [ASKED, SAID, SAID],
    "nothing": [],
    "input that is null": [ASKED, {**SAID, "tool_use": [{**CALL, "input": None}]}],
    "input that is text": [ASKED, {**SAID, "tool_use": [{**CALL, "input": '{"a": '}]}],
    "a call without input": [ASKED, {**SAID, "tool_use": [{"id": "toolu_1", "name": "x"}]}],
    "a call without a name": [ASKED, {**SAID, "tool_use": [{"id": "toolu_1", "input": {}}]}],
    "a call without an id": [ASKED, {**SAID, "tool_use": [{"name": "x", "input": {}}]}],
    "a call with an odd id": [ASKED, {**SAID, "tool_use": [{**CALL, "id": "a b/ü"}]}],
    "a name that is not accepted": [ASKED, {**SAID, "tool_use": [{**CALL, "name": "a.b c/" + "x" * 300}]}],
    "a result without content": [ASKED, CALLED, returned({"type": "tool_result", "tool_use_id": "toolu_1"})],
    "a failed result without content": [ASKED, CALLED, returned({**RESULT, "content": "", "is_error": True})],
    "a result of an empty text": [ASKED, CALLED, returned({**RESULT, "content": [{"type": "text", "text": ""}]})],
    "a result of a number": [ASKED, CALLED, returned({**RESULT, "content": 80})],
    "a result with more fields": [ASKED, CALLED, returned({**RESULT, "duration_ms": 3})],
    "a result without a type": [ASKED, CALLED, returned({"tool_use_id": "toolu_1", "content": "a"})],
    "text beside the results": [ASKED, CALLED, returned(RESULT, content="Hm?"), SAID],
    "JSON that is broken": [ASKED, {**SAID, "tool_use": '[{"id": "toolu_1"', "token_usage": "{"}],
    "JSON of other things": [ASKED, {**SAID, "tool_use": '[1, null, "a"]', "tool_results": "{}", "token_usage": "[]"}],
    "results on the assistant": [ASKED, {**SAID, "tool_use": [CALL], "tool_results": [RESULT]}, ASKED],
}  # fmt: skip


@pytest.mark.proves("turn.old-rows", "turn.replayable")
@pytest.mark.parametrize("messages", BROKEN.values(), ids=[name.replace(" ", "-") for name in BROKEN])
async def test_a_broken_history_is_shown_and_goes_on(
    client: Client, writer: Writer, model_server: ModelServer, messages: list[dict[str, Any]]
) -> None:
    conversation = await writer.write(*messages)
    shown = await client.messages(conversation)
    assert [message["content"] for message in shown] == [message["content"] for message in messages]
    sent = await continued(client, model_server, conversation)
    replayed = json.dumps(sent)
    for message in messages[1:] if messages and messages[0] is SAID else messages:
        assert message["content"].strip() in replayed


@pytest.mark.proves("turn.old-rows", "messages.sequence")
@pytest.mark.parametrize("sequences", [(0, 2, 5), (1, 2, 3), (0.0, 1.0, 2.0)])
async def test_odd_numbers_are_continued(
    client: Client, writer: Writer, model_server: ModelServer, sequences: tuple[Any, ...]
) -> None:
    rows = [{**row, "sequence": number} for row, number in zip((ASKED, SAID, ASKED), sequences, strict=True)]
    conversation = await writer.write(*rows)
    assert [message["content"] for message in await client.messages(conversation)] == [
        "How many?",
        "Eighty.",
        "How many?",
    ]
    await continued(client, model_server, conversation)


@pytest.mark.proves("turn.old-rows")
async def test_an_id_that_is_no_uuid_is_the_same_every_time(client: Client, writer: Writer) -> None:
    conversation = await writer.write({**ASKED, "id": "message-1"}, {**SAID, "id": "message-2"})
    first, second = await client.messages(conversation)
    assert first["id"] != second["id"]
    assert [first, second] == [*await client.messages(conversation)]


@pytest.mark.proves("turn.old-rows", "title.first-exchange")
async def test_an_old_conversation_without_a_title_is_not_named_late(
    client: Client, writer: Writer, model_server: ModelServer
) -> None:
    conversation = await writer.write(ASKED, SAID, title=None)
    await continued(client, model_server, conversation)
    assert model_server.titles == []
