"""The tools that find and read the user's earlier conversations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.old_rows import Writer

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

SEARCH = "search_my_conversations"
READ = "read_my_conversation"
OLD = "2020-02-29T12:00:00+00:00"


async def answered(client: Client, model_server: ModelServer, question: str, answer: str) -> str:
    conversation = await client.begin()
    model_server.script(reply(text(answer)))
    await client.ask(conversation, question)
    return conversation


async def result_of(client: Client, model_server: ModelServer, name: str, **arguments: Any) -> dict[str, Any]:
    """Ask a question whose answer calls the tool once; returns the result that the model gets."""
    model_server.script(reply(tool(name, arguments, call_id="toolu_1")), reply(text("Well.")))
    await client.ask(await client.begin(), "Go on with the rollback question of yesterday")
    result = model_server.chats[-1].results["toolu_1"]
    loaded: dict[str, Any] = {} if result.get("is_error") else json.loads(result["content"])
    return loaded or result


@pytest.mark.proves("recall.go-on")
async def test_an_earlier_conversation_is_found_and_read(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    question = "<context>\norganization: fernwood\n</context>\nHow do I roll back? The rollback of checkout failed."
    earlier = await answered(client, model_server, question, "Trigger the **deployment** of version 6.")
    await answered(client, model_server, "Which teams are there?", "Three.")
    model_server.script(
        reply(tool(SEARCH, {"query": "rollback question"}, call_id="toolu_1")),
        reply(tool(READ, {"id": earlier}, call_id="toolu_2")),
        reply(text("You wanted to roll back checkout.")),
    )
    answer = await client.ask(await client.begin(), "Go on with the rollback question of yesterday")
    assert answer.text == "You wanted to roll back checkout."
    shown = {each["name"] for each in model_server.chats[-1].body["tools"] if not each.get("defer_loading")}
    assert {SEARCH, READ} <= shown
    hit, *_ = json.loads(model_server.chats[-2].results["toolu_1"]["content"])["conversations"]
    assert hit["id"] == earlier
    assert "rollback" in hit["snippet"]
    assert "(today)" in hit["last_message"]
    messages = json.loads(model_server.chats[-1].results["toolu_2"]["content"])["messages"]
    assert [(each["position"], each["from"], each["text"]) for each in messages] == [
        (0, "user", "How do I roll back? The rollback of checkout failed."),
        (1, "you", "Trigger the **deployment** of version 6."),
    ]


@pytest.mark.proves("recall.own-only")
async def test_nothing_of_another_user_and_not_the_present_conversation_is_found(
    new_client: NewClient, model_server: ModelServer
) -> None:
    mine, yours = await new_client(), await new_client()
    secret = await answered(yours, model_server, "the rollback of yours", "Done.")
    assert (await result_of(mine, model_server, SEARCH, query="rollback"))["conversations"] == []
    refused = await result_of(mine, model_server, READ, id=secret)
    unknown = await result_of(mine, model_server, READ, id=str(uuid4()))
    assert refused["is_error"]
    assert refused["content"] == unknown["content"]
    hits = (await result_of(mine, model_server, SEARCH, query="rollback"))["conversations"]
    assert len(hits) == 3, "the three before this one"


@pytest.mark.proves("recall.go-on")
async def test_without_a_query_the_newest_are_listed_in_pages(
    new_client: NewClient, database: Database, model_server: ModelServer
) -> None:
    client = await new_client()
    writer = Writer(database, client.email)
    ids = [await writer.write(title=f"Number {n}", updated_at=OLD.replace("29T", f"{n + 10}T")) for n in range(13)]
    calls = [tool(SEARCH, {}, call_id="toolu_1"), tool(SEARCH, {"offset": 11}, call_id="toolu_2")]
    model_server.script(reply(*calls), reply(text("Well.")))
    present = await client.begin()
    await client.ask(present, "What did we talk about?")
    results = model_server.chats[-1].results
    first, second = (json.loads(results[call_id]["content"]) for call_id in ("toolu_1", "toolu_2"))
    assert first["next_offset"] == 11, "the present conversation is left out"
    found = [each["id"] for page in (first, second) for each in page["conversations"]]
    assert found == ids[::-1]
    assert first["conversations"][0]["last_message"].startswith("Saturday 2020-02-22 12:00 UTC (")
    assert "days ago)" in first["conversations"][0]["last_message"]


@pytest.mark.proves("recall.bounded")
async def test_a_long_conversation_is_read_from_its_end_in_pages(
    new_client: NewClient, database: Database, model_server: ModelServer
) -> None:
    client = await new_client()
    call = json.dumps([{"id": "toolu_9", "name": "list_teams", "input": {}}])
    results = json.dumps([{"type": "tool_result", "tool_use_id": "toolu_9", "content": "x" * 10_000}])
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "long " * 4_000},
        {"role": "assistant", "content": "", "tool_use": call},
        {"role": "user", "content": "", "tool_results": results},
        {"role": "assistant", "content": "Half of", "is_partial": True},
    ]
    conversation = await Writer(database, client.email).write(*messages * 12)
    positions: list[int] = []
    page: dict[str, Any] = {"earlier_messages_before": 1_000}
    while "earlier_messages_before" in page:
        page = await result_of(client, model_server, READ, id=conversation, before=page["earlier_messages_before"])
        assert len(json.dumps(page)) < 60_000
        positions = [*(each["position"] for each in page["messages"]), *positions]
        assert all(set(each) >= {"from", "at"} for each in page["messages"])
    assert positions == [place for place in range(48) if place % 4 != 2]
    last = (await result_of(client, model_server, READ, id=conversation))["messages"]
    assert last[-1]["interrupted"]
    assert last[-2]["tools"] == ["list_teams"]
    assert "20,000 characters in all" in last[-3]["text"]


@pytest.mark.proves("recall.bounded")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (SEARCH, {"query": 7}),
        (SEARCH, {"query": "a" * 501}),
        (SEARCH, {"offset": -1}),
        (SEARCH, {"offset": True}),
        (READ, {}),
        (READ, {"id": "no id"}),
        (READ, {"id": str(uuid4()), "before": "x"}),
    ],
)
async def test_wrong_arguments_are_explained(
    new_client: NewClient, model_server: ModelServer, name: str, arguments: dict[str, Any]
) -> None:
    result = await result_of(await new_client(), model_server, name, **arguments)
    assert result["is_error"]
    assert str(result["content"]).endswith((".", "gives ids."))
