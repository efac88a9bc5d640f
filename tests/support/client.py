"""A client of the service like a user's: real HTTP and a real token."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import httpx2

from tests.support.sse import Answer, EventReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType

    from tests.support.sse import Event

Json: TypeAlias = dict[str, Any]

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: reading the authorities' certificates for every client takes longer than most tests."""

SECONDS = 60
"""How long a client waits for anything."""
LONGEST_SILENCE = 10.5
"""How long a stream may say nothing, with half a second for a busy machine."""


class Client:
    """One user's client; `http` is for what the methods do not cover, such as requests that are refused."""

    def __init__(self, url: str, token: str | None, email: str = "") -> None:
        self.email = email
        self.token = token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.http = httpx2.AsyncClient(base_url=url, headers=headers, timeout=SECONDS, verify=NO_AUTHORITIES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def create(self, **body: Any) -> Json:
        """Begin a conversation."""
        return self._json(await self.http.post("/conversations", json=body), 201)

    async def begin(self, **body: Any) -> str:
        """Begin a conversation; returns its id."""
        return str((await self.create(**body))["id"])

    async def list(self, **query: Any) -> Sequence[Json]:
        """List conversations."""
        return _objects(self._response(await self.http.get("/conversations", params=query), 200))

    async def get(self, conversation_id: str) -> Json:
        """Read a conversation with its messages."""
        return self._json(await self.http.get(f"/conversations/{conversation_id}"), 200)

    async def messages(self, conversation_id: str) -> Sequence[Json]:
        """Read a conversation's messages."""
        return _objects((await self.get(conversation_id))["messages"])

    async def patch(self, conversation_id: str, **changes: Any) -> Json:
        """Change a conversation."""
        return self._json(await self.http.patch(f"/conversations/{conversation_id}", json=changes), 200)

    async def delete(self, conversation_id: str) -> None:
        """Remove a conversation."""
        response = await self.http.delete(f"/conversations/{conversation_id}")
        assert (response.status_code, response.content) == (204, b""), response.text

    async def post(self, conversation_id: str, content: Any) -> httpx2.Response:
        """Send a message and read the whole response, whatever it is."""
        return await self.http.post(f"/conversations/{conversation_id}/messages", json={"content": content})

    async def ask(self, conversation_id: str, content: str) -> Answer:
        """Send a message and read its answer to the end."""
        async with self.stream(conversation_id, content) as stream:
            return await stream.rest()

    async def stop(self, conversation_id: str) -> None:
        """Stop the running answer."""
        response = await self.http.post(f"/conversations/{conversation_id}/stop")
        assert response.status_code == 204, response.text

    @asynccontextmanager
    async def stream(
        self, conversation_id: str, content: str, *, headers: dict[str, str] | None = None, **body: Any
    ) -> AsyncIterator[Stream]:
        """Send a message and read its answer piece by piece; leaving goes away from what is still to come."""
        path = f"/conversations/{conversation_id}/messages"
        body = {"content": content, **body}
        async with self.http.stream("POST", path, json=body, headers=headers) as response:
            if response.status_code != 200:
                await response.aread()
            assert response.status_code == 200, response.text
            yield Stream(response)

    @asynccontextmanager
    async def joined(self, conversation_id: str, last_event_id: str | None = None) -> AsyncIterator[Stream]:
        """Join the running answer, after an event if one is named."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        async with self.http.stream("GET", f"/conversations/{conversation_id}/stream", headers=headers) as response:
            assert response.status_code == 200, response.status_code
            yield Stream(response)

    def _json(self, response: httpx2.Response, status: int) -> Json:
        value = self._response(response, status)
        assert isinstance(value, dict)
        return value

    @staticmethod
    def _response(response: httpx2.Response, status: int) -> Any:
        assert response.status_code == status, f"{response.status_code}: {response.text}"
        return response.json()


def _objects(value: Any) -> Sequence[Json]:
    assert isinstance(value, list)
    return value


class Stream:
    """An answer that is under way."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.reader = EventReader()
        self._chunks = response.aiter_bytes()
        self._waiting: deque[Event] = deque()

    @property
    def so_far(self) -> Answer:
        """What has come by now."""
        return Answer(self.reader.events)

    async def next(self) -> Event:
        """Wait for the next event."""
        async with asyncio.timeout(SECONDS):
            while not self._waiting:
                await self._read()
        return self._waiting.popleft()

    async def until(self, is_it: str | Callable[[Event], bool]) -> Event:
        """Wait for the first event of a name, or of what a function says yes to."""
        while True:
            event = await self.next()
            if event.name == is_it if isinstance(is_it, str) else is_it(event):
                return event

    async def comment(self) -> str:
        """Wait for a comment in the silence."""
        known = len(self.reader.comments)
        async with asyncio.timeout(LONGEST_SILENCE):
            while len(self.reader.comments) == known:
                await self._read()
        return self.reader.comments[-1]

    async def rest(self) -> Answer:
        """Read to the end; returns the whole answer."""
        async with asyncio.timeout(SECONDS):
            async for chunk in self._chunks:
                self.reader.feed(chunk)
        self.reader.finish()
        return self.so_far

    async def _read(self) -> None:
        self._waiting.extend(self.reader.feed(await anext(self._chunks)))
