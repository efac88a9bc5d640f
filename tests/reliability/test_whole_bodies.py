"""A body that is whole is refused at once, and a bad token before the body is read; nothing is waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from functions.send_message import router
from shared.http.app import create_app
from shared.settings import load
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from starlette.types import Message

MOST = 100


class Request:
    """A request whose body is given piece by piece; after the last piece the client waits for ever."""

    def __init__(self, *pieces: bytes, token: str | None = None, declared: int | None = None) -> None:
        self.pieces = list(pieces)
        self.is_asked_in_vain = False
        self.is_read = False
        self.sent: list[Message] = []
        fields = {"authorization": token and f"Bearer {token}", "content-length": declared and str(declared)}
        self.headers = [(name.encode(), value.encode()) for name, value in fields.items() if value]

    async def receive(self) -> Message:
        self.is_read = True
        if not self.pieces:
            self.is_asked_in_vain = True
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self.pieces.pop(0), "more_body": bool(self.pieces)}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def status(self, variables: dict[str, str]) -> int:
        app = create_app(load({**variables, "IMBI_ASSISTANT_MAX_BODY_BYTES": str(MOST)}), router)
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": f"/conversations/{uuid4()}/messages",
            "query_string": b"",
            "headers": self.headers,
        }
        await app(scope, self.receive, self.send)
        return int(self.sent[0]["status"])


@pytest.mark.proves("input.whole")
@pytest.mark.parametrize("token", [None, "malformed", "ik_1"])
@pytest.mark.parametrize("declared", [None, 10_000])
async def test_a_bad_token_is_refused_before_the_body_is_read(
    variables: dict[str, str], token: str | None, declared: int | None
) -> None:
    request = Request(b"x" * 10_000, token=token, declared=declared)
    assert await request.status(variables) == 401
    assert not request.is_asked_in_vain
    # The rest of a body that is declared as too long is discarded, so that the client reads the response.
    assert request.is_read is bool(declared)


@pytest.mark.proves("input.whole")
@pytest.mark.parametrize("declared", [None, 10_000])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_whole_body_that_is_too_long_is_refused_at_once(
    variables: dict[str, str], declared: int | None, pieces: int
) -> None:
    request = Request(*[b"x" * 200] * pieces, token=token_of(DEVELOPER), declared=declared)
    assert await request.status(variables) == 413
    assert not request.is_asked_in_vain
    assert not request.pieces
