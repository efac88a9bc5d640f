"""A small assistant with the real routes and events over real HTTP, for tests of clients."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, JsonValue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

TOKEN = "right"
HANGS = "hang"
ENDS_EARLY = "end early"
REFUSED = "too much"

TABLE = "| Project | Team |\n|---|---|\n| billing-api | Platform |\n| web-shop | Storefront |\n"
USAGE: dict[str, JsonValue] = {"input_tokens": 1234, "output_tokens": 56, "cache_read_input_tokens": 900}


def frame(event: str, **data: JsonValue) -> str:
    return f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


DONE = frame("done", message_id=str(UUID(int=1)), usage=USAGE, stop_reason="end_turn")
STOPPED_BLOCK = frame("content_block_stop")
SCRIPTS: dict[str, tuple[str, ...]] = {
    "hello": (frame("text", text="Grüße, **"), frame("text", text="world** 🌍"), STOPPED_BLOCK, DONE),
    "tools": (
        frame("text", text="I look it up."),
        STOPPED_BLOCK,
        frame("tool_use_start", id="t1", name="list_projects"),
        frame("tool_input", partial_json='{"team": '),
        frame("tool_input", partial_json='"platform"}'),
        STOPPED_BLOCK,
        frame("tool_use_start", id="t2", name="get_team"),
        STOPPED_BLOCK,
        frame("tool_executing", id="t1", name="list_projects"),
        frame("tool_executing", id="t2", name="get_team"),
        ": ping\n\n",
        frame("tool_result", id="t1", name="list_projects", is_error=False, duration_ms=120),
        frame("tool_result", id="t2", name="get_team", is_error=True, duration_ms=7),
        frame("tool_use_start", id="t3", name="navigate_to"),
        STOPPED_BLOCK,
        frame("client_action", id="t3", action="navigate_to", params={"path": "/projects/123"}),
        frame("something_new", text="never shown"),
        frame("text", text=TABLE),
        STOPPED_BLOCK,
        DONE,
        frame("title_updated", title="Projects of the platform team"),
    ),
    "fail": (
        frame("text", text="It begins"),
        frame("error", message="The model is overloaded.", code="overloaded", retryable=True),
    ),
    "refuse": (frame("error", message="The model does not exist.", code="invalid_request", retryable=False),),
    "delete it": (
        frame("tool_use_start", id="t1", name="delete_team"),
        STOPPED_BLOCK,
        frame("approval_required", approval_id="a", expires_at="2026-01-01T00:00:00+00:00", calls=[]),
        frame("text", text="This step deletes the team."),
        STOPPED_BLOCK,
        frame("done", usage={}, stop_reason="approval_required"),
    ),
    "approve": (frame("text", text="It is deleted."), DONE),
    "reject": (frame("text", text="It is kept."), DONE),
    "first line\nsecond line": (frame("text", text="Two lines."), DONE),
    "Please go on.": (frame("text", text="And on."), DONE),
    "escape": (frame("text", text="a\x1b]0;owned\x07b\x9b31mc"), DONE),
    "long": (frame("text", text="".join(f"- item {number}\n" for number in range(60))), DONE),
    ENDS_EARLY: (frame("text", text="It ends"),),
}


CHANGED: JsonValue = {
    "id": "t1",
    "duration_ms": 7,
    "changes": [{"path": "/title", "before": "Old", "after": "New"}],
    "receipt": {"id": "a", "kind": "changed", "path": "/things/one", "can_be_undone": True},
}


class NewMessage(BaseModel):
    content: str
    replaces: UUID | None = None


class Changes(BaseModel):
    title: str


class NewFeedback(BaseModel):
    rating: int
    comment: str


@dataclass
class Assistant:
    """The service's state, which its tests look at."""

    base_url: str = ""
    conversations: dict[UUID, dict[str, JsonValue]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    replaced: list[UUID] = field(default_factory=list)
    ratings: list[tuple[UUID, int, str]] = field(default_factory=list)
    interrupted: set[UUID] = field(default_factory=set)
    answering: set[UUID] = field(default_factory=set)
    parked: set[UUID] = field(default_factory=set)
    """Conversations that wait for an approval, after a call that has changed something."""
    is_hanging: threading.Event = field(default_factory=threading.Event)
    was_left: threading.Event = field(default_factory=threading.Event)
    was_stopped: threading.Event = field(default_factory=threading.Event)

    def create(self) -> dict[str, JsonValue]:
        now = datetime.now(UTC).isoformat()
        conversation: dict[str, JsonValue] = {
            "id": str(uuid4()),
            "user_email": "developer@example.com",
            "title": f"Conversation {len(self.conversations) + 1}",
            "created_at": now,
            "updated_at": now,
            "model": "scripted",
            "is_archived": False,
        }
        self.conversations[UUID(str(conversation["id"]))] = conversation
        return conversation

    def found(self, conversation_id: UUID) -> dict[str, JsonValue]:
        if conversation_id not in self.conversations:
            raise HTTPException(404, "Conversation not found")
        return self.conversations[conversation_id]

    def with_messages(self, conversation_id: UUID) -> dict[str, JsonValue]:
        is_partial = conversation_id in self.interrupted
        error: JsonValue = {"code": "overloaded", "message": "The model is overloaded."} if is_partial else None
        answer: JsonValue = {
            "id": str(UUID(int=2)),
            "role": "assistant",
            "content": "The **platform** team.",
            "is_partial": is_partial,
            "error": error,
        }
        question = "<context>page: /projects</context>\n\nWho owns it?"
        is_parked = conversation_id in self.parked
        changed: list[JsonValue] = [{"role": "user", "content": "", "tool_details": [CHANGED]}] if is_parked else []
        messages: list[JsonValue] = [{"id": str(UUID(int=1)), "role": "user", "content": question}, *changed, answer]
        return {
            **self.found(conversation_id),
            "messages": messages,
            "is_answering": conversation_id in self.answering,
            "approval": {"approval_id": str(UUID(int=3))} if is_parked else None,
        }

    async def answer(self, question: str) -> AsyncGenerator[str, None]:
        if question != HANGS:
            for piece in SCRIPTS[question]:
                yield piece
            return
        yield frame("text", text="And so it goes on")
        self.is_hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.was_left.set()


def authenticate(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> None:
    if credentials.credentials != TOKEN:
        raise HTTPException(401, "Not authenticated")


def router_of(assistant: Assistant, prefix: str) -> APIRouter:
    found = assistant.found
    router = APIRouter(prefix=prefix, dependencies=[Depends(authenticate)])

    @router.post("/conversations", status_code=201)
    def create() -> dict[str, JsonValue]:
        return assistant.create()

    @router.get("/conversations")
    def listing(limit: int = 20, q: str = "") -> list[dict[str, JsonValue]]:
        newest = list(assistant.conversations.values())[::-1]
        found = [one for one in newest if q.lower() in str(one["title"]).lower()]
        return [{**one, "snippet": f"a **{q}** in it"} if q else one for one in found][:limit]

    @router.get("/conversations/{conversation_id}")
    def get(conversation_id: UUID) -> dict[str, JsonValue]:
        return assistant.with_messages(conversation_id)

    @router.post("/conversations/{conversation_id}/messages")
    async def send(conversation_id: UUID, message: NewMessage) -> StreamingResponse:
        found(conversation_id)
        assistant.asked.append(message.content)
        if message.replaces is not None:
            assistant.replaced.append(message.replaces)
        if message.content == REFUSED:
            raise HTTPException(400, "The conversation is full")
        return StreamingResponse(assistant.answer(message.content), media_type="text/event-stream")

    @router.post("/conversations/{conversation_id}/stop")
    def stop(conversation_id: UUID) -> Response:
        found(conversation_id)
        assistant.was_stopped.set()
        return Response(status_code=204)

    add_changes(router, assistant)
    return router


def add_changes(router: APIRouter, assistant: Assistant) -> None:
    found = assistant.found

    @router.patch("/conversations/{conversation_id}")
    def rename(conversation_id: UUID, changes: Changes) -> dict[str, JsonValue]:
        found(conversation_id)["title"] = changes.title
        return found(conversation_id)

    @router.delete("/conversations/{conversation_id}")
    def delete(conversation_id: UUID) -> Response:
        del assistant.conversations[UUID(str(found(conversation_id)["id"]))]
        return Response(status_code=204)

    @router.put("/conversations/{conversation_id}/messages/{message_id}/feedback")
    def rate(conversation_id: UUID, message_id: UUID, body: NewFeedback) -> Response:
        found(conversation_id)
        assistant.ratings.append((message_id, body.rating, body.comment))
        return Response(status_code=204)

    @router.get("/conversations/{conversation_id}/stream")
    async def join(conversation_id: UUID) -> StreamingResponse:
        found(conversation_id)
        return StreamingResponse(assistant.answer("hello"), media_type="text/event-stream")


@contextmanager
def running_assistant(prefix: str = "/assistant") -> Iterator[Assistant]:
    assistant = Assistant()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assistant.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}{prefix}"
        app = FastAPI()
        app.include_router(router_of(assistant, prefix))
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield assistant
        finally:
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive()
