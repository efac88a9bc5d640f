"""GET /conversations/{id}/export."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.model_server import reply, text, tool
from tests.support.multitude import add_conversations
from tests.support.old_rows import Writer

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import NewClient
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

QUESTION = "<context>\norganization: fernwood\n</context>\nWhich teams?\n```\nnever closed"


async def exported(client: Client, conversation: str, **query: str) -> httpx2.Response:
    response = await client.http.get(f"/conversations/{conversation}/export", params=query)
    assert response.status_code == 200, response.text
    return response


async def talked(client: Client, model_server: ModelServer) -> str:
    conversation = await client.begin()
    model_server.script(
        reply(text("A moment."), tool("list_teams", {"org_slug": "fernwood"}, call_id="toolu_1")),
        reply(text("Three:\n\n~~~yaml\nteams: 3\n")),
    )
    await client.ask(conversation, QUESTION)
    return conversation


@pytest.mark.proves("export.markdown")
async def test_a_conversation_is_exported_as_markdown(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    conversation = await talked(client, model_server)
    await client.patch(conversation, title="Teams *and* <b>more</b>")
    response = await exported(client, conversation)
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    lines = response.text.split("\n")
    assert lines[0] == "# Teams \\*and\\* \\<b\\>more\\</b\\>"
    assert [line for line in lines if line.startswith("## ")] == [
        line for line in lines if line.startswith(("## Question, 20", "## Answer, 20"))
    ]
    body = response.text.partition("## Question")[2]
    assert "\n\n> Which teams?\n> ```\n> never closed\n" in body
    assert "A moment.\n\nTools: list\\_teams\n" in body
    assert body.endswith("Three:\n\n~~~yaml\nteams: 3\n~~~\n")
    assert "fernwood" not in response.text


@pytest.mark.proves("export.markdown")
async def test_nothing_in_an_answer_hides_what_follows(new_client: NewClient, database: Database) -> None:
    client = await new_client()
    answers = ["<!-- hidden", "  <SCRIPT>x", "````\n```\n<!--", "a\n    ``` code\nb", "``` `a\n~~~", "cut"]
    rows: list[dict[str, Any]] = [
        {"role": "assistant", "content": each, "is_partial": each == "cut"} for each in answers
    ]
    conversation = await Writer(database, client.email).write(*rows)
    parts = (await exported(client, conversation, format="md")).text.split("\n## Answer")[1:]
    bodies = [part.partition("\n\n")[2].rstrip("\n") for part in parts]
    assert bodies[0] == "\\<!-- hidden"
    assert bodies[1] == "  \\<SCRIPT>x"
    assert bodies[2] == "````\n```\n<!--\n````"
    assert bodies[3] == answers[3]
    assert bodies[5] == "cut\n\n*This answer was interrupted.*"


@pytest.mark.proves("export.json")
async def test_a_conversation_is_exported_as_json(new_client: NewClient, model_server: ModelServer) -> None:
    client = await new_client()
    conversation = await talked(client, model_server)
    response = await exported(client, conversation, format="json")
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    read = await client.get(conversation)
    messages = read.pop("messages")
    assert read.pop("approval") is None, "an export has no approval, which lasts for an hour only"
    messages[0]["content"] = "Which teams?\n```\nnever closed"
    assert document.pop("exported_at")
    assert document == {
        "format": "imbi-assistant-conversation",
        "version": 1,
        "conversation": read,
        "messages": messages,
    }


@pytest.mark.proves("export.file")
@pytest.mark.parametrize(
    ("title", "name", "encoded"),
    [
        (None, "conversation.md", "conversation.md"),
        ("Rollback of checkout", "Rollback of checkout.md", "Rollback%20of%20checkout.md"),
        ('a/../b\\"c"; d\r\nX: y%41', "a .. b c ; d X y 41.md", "a%20..%20b%20c%20%3B%20d%20X%20y%2041.md"),
        ("Zürich", "Zurich.md", "Z%C3%BCrich.md"),
        ("部署", "conversation.md", "%E9%83%A8%E7%BD%B2.md"),
        ("\u202etxt.exe ...", "txt.exe.md", "txt.exe.md"),
        ("x" * 500, "x" * 80 + ".md", "x" * 80 + ".md"),
    ],
)
async def test_the_file_is_named_after_the_title(
    new_client: NewClient, database: Database, title: str | None, name: str, encoded: str
) -> None:
    client = await new_client()
    conversation = await Writer(database, client.email).write(title=title)
    response = await exported(client, conversation)
    header = f"attachment; filename=\"{name}\"; filename*=UTF-8''{encoded}"
    assert response.headers["content-disposition"] == header
    assert response.headers["x-content-type-options"] == "nosniff"
    assert json.loads((await exported(client, conversation, format="json")).content)["messages"] == []


@pytest.mark.proves("export.errors")
async def test_errors_come_before_the_file(new_client: NewClient) -> None:
    mine, yours = await new_client(), await new_client()
    foreign = await yours.begin()
    for conversation, form, status in (
        (foreign, "md", 404),
        (str(uuid4()), "json", 404),
        ("no-id", "md", 404),
        (await mine.begin(), "pdf", 422),
    ):
        response = await mine.http.get(f"/conversations/{conversation}/export", params={"format": form})
        assert response.status_code == status
        assert "detail" in response.json()


@pytest.mark.proves("export.streamed")
async def test_a_conversation_of_many_messages_is_exported_whole(new_client: NewClient, database: Database) -> None:
    client = await new_client()
    conversation = await add_conversations(database, client.email, 1, 1_200)
    messages = (await exported(client, conversation, format="json")).json()["messages"]
    assert [message["sequence"] for message in messages] == [*range(1_200)]
    assert (await exported(client, conversation)).text.count("\n## ") == 1_200
