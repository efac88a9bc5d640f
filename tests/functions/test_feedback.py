"""Feedback: ratings of answers by the routes and by a thumb, and what becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.audit_rows import query
from tests.support.background import served
from tests.support.model_server import reply, text, tool, wait
from tests.support.things_api import ThingsApi
from tests.support.ui_store import check_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import NewClient, StartService
    from tests.support.client import Client
    from tests.support.database import Database
    from tests.support.model_server import ModelServer

CONTEXT = "<context>\nThe user views /projects\n</context>\n\n"
UP, DOWN = "\N{THUMBS UP SIGN}", "\N{THUMBS DOWN SIGN}"


async def answered(client: Client, model: ModelServer, question: str = "Who owns it?") -> tuple[str, str]:
    """Ask a question; return the ids of the conversation and the answer."""
    conversation = await client.begin()
    model.script(reply(text("Nobody.")))
    answer = await client.ask(conversation, question)
    return conversation, str(answer.done["message_id"])


def path(conversation: str, message: str) -> str:
    return f"/conversations/{conversation}/messages/{message}/feedback"


async def rate(client: Client, answer: tuple[str, str], rating: Any, **body: Any) -> int:
    return (await client.http.put(path(*answer), json={"rating": rating, **body})).status_code


async def shown(client: Client, answer: tuple[str, str]) -> Any:
    messages = await client.messages(answer[0])
    return next(message["feedback"] for message in messages if message["id"] == answer[1])


async def read(client: Client, **filters: Any) -> Sequence[Any]:
    response = await client.http.get("/feedback", params=filters)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.content.splitlines()]


@pytest.mark.proves("feedback.rate")
async def test_a_rating_is_stored_changed_and_withdrawn(client: Client, model_server: ModelServer) -> None:
    answer = await answered(client, model_server)
    assert await shown(client, answer) is None
    assert await rate(client, answer, -1, comment="  It is Ada's.\n") == 204
    first = await shown(client, answer)
    assert (first["rating"], first["comment"]) == (-1, "It is Ada's.")
    export = (await client.http.get(f"/conversations/{answer[0]}/export?format=json")).json()
    assert [message["feedback"] for message in export["messages"]] == [None, first]
    assert await rate(client, answer, 1) == 204
    assert ((await shown(client, answer))["rating"], (await shown(client, answer))["comment"]) == (1, "")
    for _ in range(2):
        assert (await client.http.delete(path(*answer))).status_code == 204
        assert await shown(client, answer) is None


@pytest.mark.proves("feedback.own-answers-only")
async def test_only_own_answers_can_be_rated(client: Client, new_client: NewClient, model_server: ModelServer) -> None:
    conversation, message = await answered(client, model_server)
    elsewhere, _ = await answered(client, model_server)
    question = str((await client.messages(conversation))[0]["id"])
    stranger = await new_client()
    for method, body in (("PUT", {"rating": 1}), ("DELETE", None)):
        for wrong in (
            (conversation, question),
            (conversation, str(uuid4())),
            (conversation, "7"),
            (elsewhere, message),
        ):
            response = await client.http.request(method, path(*wrong), json=body)
            assert (response.status_code, response.json()) == (404, {"detail": "Answer not found"}), wrong
        response = await stranger.http.request(method, path(conversation, message), json=body)
        assert (response.status_code, response.json()) == (404, {"detail": "Conversation not found"})
    for wrong_body in ({}, {"rating": 0}, {"rating": "1"}, {"rating": True}, {"rating": 1, "comment": "x" * 2001}):
        assert (await client.http.put(path(conversation, message), json=wrong_body)).status_code == 422, wrong_body
    assert await shown(client, (conversation, message)) is None


@pytest.mark.proves("feedback.thumb")
@pytest.mark.parametrize(("words", "rating"), [(UP, 1), (f"{CONTEXT}{DOWN}\N{VARIATION SELECTOR-16} ", -1)])
async def test_a_thumb_rates_the_latest_answer_without_the_model(
    client: Client, model_server: ModelServer, words: str, rating: int
) -> None:
    answer = await answered(client, model_server)
    before = await client.get(answer[0])
    noted = await client.ask(answer[0], words)
    assert noted.names == ["text", "content_block_stop", "done"]
    check_visible(noted.events)
    assert noted.done["stop_reason"] == "feedback"
    assert noted.done["message_id"] not in {message["id"] for message in before["messages"]}
    assert (await shown(client, answer))["rating"] == rating
    after = await client.get(answer[0])
    assert [message["id"] for message in after["messages"]] == [message["id"] for message in before["messages"]]
    assert after["updated_at"] == before["updated_at"]
    model_server.script(reply(text("As I said.")))
    assert (await client.ask(answer[0], "Really?")).done
    told = json.dumps(model_server.chats[-1].body, ensure_ascii=False)
    assert UP not in told
    assert DOWN not in told


@pytest.mark.proves("feedback.thumb")
async def test_a_thumb_keeps_the_comment_of_the_same_rating(client: Client, model_server: ModelServer) -> None:
    answer = await answered(client, model_server)
    await rate(client, answer, -1, comment="Wrong owner")
    assert (await client.ask(answer[0], DOWN)).done
    assert (await shown(client, answer))["comment"] == "Wrong owner"
    assert (await client.ask(answer[0], UP)).done
    assert (await shown(client, answer))["comment"] == ""


@pytest.mark.proves("feedback.thumb")
async def test_a_thumb_without_an_answer_rates_nothing(client: Client, model_server: ModelServer) -> None:
    conversation = await client.begin()
    noted = await client.ask(conversation, UP)
    assert noted.text == "There is no answer yet that you could rate."
    assert await client.messages(conversation) == []
    conversation, message = await answered(client, model_server)
    model_server.script(reply(stop="refusal"))
    await client.ask(conversation, "Something else")
    rated = (await client.ask(conversation, DOWN)).text
    latest = (await client.messages(conversation))[-1]
    if latest["role"] == "user":
        assert rated == "Your last question has no answer that you could rate."
    else:
        assert latest["feedback"]["rating"] == -1
    assert await shown(client, (conversation, message)) is None


@pytest.mark.proves("feedback.thumb", "feedback.own-answers-only")
async def test_a_thumb_in_a_strangers_conversation_gets_404(client: Client, new_client: NewClient) -> None:
    assert (await (await new_client()).post(await client.begin(), UP)).status_code == 404


@pytest.mark.proves("feedback.thumb-waits")
async def test_a_thumb_leaves_a_running_answer_alone(client: Client, model_server: ModelServer) -> None:
    answer = await answered(client, model_server)
    gate = model_server.gate()
    model_server.script(reply(text("Let me ", wait(gate), "see.")))
    async with client.stream(answer[0], "And now?") as stream:
        await gate.reached()
        assert (await client.ask(answer[0], UP)).done
        gate.open()
        assert (await stream.rest()).text == "Let me see."
    assert (await shown(client, answer))["rating"] == 1
    assert (await client.messages(answer[0]))[-1]["feedback"] is None


@pytest.mark.proves("feedback.thumb-waits")
async def test_a_thumb_decides_no_approval(start_service: StartService, model_server: ModelServer) -> None:
    things = ThingsApi()
    with served(things.app) as url:
        async with start_service(IMBI_INTERNAL_API_URL=url).client() as client:
            conversation = await client.begin()
            model_server.script(reply(text("I delete it."), tool("delete_thing", {"thing_id": "web"})))
            assert (await client.ask(conversation, "Delete it")).done["stop_reason"] == "approval_required"
            assert "still open" in (await client.ask(conversation, UP)).text
            stored = await client.get(conversation)
            assert stored["approval"] is not None
            assert stored["messages"][-1]["feedback"]["rating"] == 1
            model_server.script(reply(text("It is gone.")))
            assert (await client.ask(conversation, "approve")).done
            assert things.effects


@pytest.mark.proves("feedback.read")
async def test_readers_get_all_ratings_by_filters_and_in_pages(
    new_client: NewClient, model_server: ModelServer
) -> None:
    user, admin = await new_client(), await new_client(is_admin=True)
    answers = [await answered(user, model_server, f"Question {number}") for number in range(3)]
    for number, answer in enumerate(answers):
        await rate(user, answer, 1 if number == 1 else -1, comment=f"comment {number}")
    rows = await read(admin, user=user.email)
    assert [row["comment"] for row in rows] == ["comment 2", "comment 1", "comment 0"]
    model = (await user.get(answers[0][0]))["model"]
    assert {"user", "conversation_id", "message_id", "rating", "comment", "model", "updated_at"} == set(rows[0])
    assert (rows[0]["conversation_id"], rows[0]["message_id"], rows[0]["model"]) == (*answers[2], model)
    assert [row["rating"] for row in await read(admin, user=user.email, rating=-1)] == [-1, -1]
    assert await read(admin, user=user.email, model="another") == []
    assert len(await read(admin, user=user.email, since=rows[1]["updated_at"])) == 2
    assert len(await read(admin, user=user.email, until=rows[1]["updated_at"])) == 1
    seen: list[Any] = []
    link = f"?user={user.email}&limit=2"
    while link:
        response = await admin.http.get(f"/feedback{link}")
        seen += [json.loads(line) for line in response.content.splitlines()]
        link = response.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert seen == rows


@pytest.mark.proves("feedback.read")
async def test_only_readers_of_the_audit_read_the_ratings(new_client: NewClient) -> None:
    plain = await (await new_client()).http.get("/feedback")
    assert (plain.status_code, plain.json()) == (403, {"detail": "You lack the permission for this"})
    admin = await new_client(is_admin=True)
    for wrong in (
        "rating=2",
        "rating=good",
        "since=yesterday",
        "since=0001-01-01T00:00:00%2B14:00",
        "before=2026-01-01",
    ):
        assert (await admin.http.get(f"/feedback?{wrong}")).status_code == 422, wrong
    assert await read(admin, before=f"2026-99-99T00:00:00.000000Z_{uuid4()}") == []


@pytest.mark.proves("feedback.deleted")
async def test_ratings_go_with_their_conversation(
    client: Client, model_server: ModelServer, database: Database
) -> None:
    answer = await answered(client, model_server)
    await rate(client, answer, -1, comment="canary-feedback")
    statement = "SELECT count(*) FROM {}.imbi_assistant_feedback WHERE message_id = %s"
    assert await query(database, statement, answer[1]) == [(1,)]
    await client.delete(answer[0])
    assert await query(database, statement, answer[1]) == [(0,)]
    assert await rate(client, answer, 1) == 404
