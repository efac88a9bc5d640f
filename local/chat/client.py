"""A client of the running service."""

from __future__ import annotations

import ipaddress
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import httpx2
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from local.chat.events import Conversation, UnreadableEvent, parse, printable
from local.chat.sse import FrameReader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

    from local.chat.access import Access
    from local.chat.events import Event

# The service sends a comment after 10 s of silence, so a connection that is silent for a minute is dead.
_TIMEOUT = httpx2.Timeout(60, connect=5)
# Between two questions, the service would usually close an idle connection.
_LIMITS = httpx2.Limits(max_keepalive_connections=0)
_STOP_SECONDS = 2
_CONVERSATIONS = TypeAdapter(list[Conversation])


class ChatError(Exception):
    """A request failed; the message is one line for the user."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Take the line, and the seconds after which the same request may succeed, if the service has said so."""
        super().__init__(message)
        self.retry_after = retry_after


class _Problem(BaseModel):
    detail: JsonValue = None


class ServiceClient:
    """A client of the service for one user.

    Every method except `stop` and `aclose` raises ChatError if the service cannot be reached or refuses the request.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        try:
            url = httpx2.URL(access.base_url)
            self._client = httpx2.AsyncClient(
                base_url=url,
                headers={"Authorization": f"Bearer {access.token}"},
                timeout=_TIMEOUT,
                limits=_LIMITS,
                trust_env=not _is_loopback(url.host),
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise ChatError(f"{printable(access.base_url)} is not a valid URL.") from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise ChatError(f"{printable(access.base_url)} is not a URL: it must begin with http:// or https://.")

    async def recent(self, limit: int = 20, query: str = "") -> list[Conversation]:
        """List the newest conversations, or those that a search finds, the best first."""
        params: dict[str, str | int] = {"limit": limit}
        if query:
            params["q"] = query
        response = await self._request("GET", "conversations", params=params)
        with self._chat_errors():
            return _CONVERSATIONS.validate_json(response.content)

    async def conversation(self, conversation_id: str) -> Conversation:
        """Load a conversation with its messages."""
        try:
            identifier = UUID(conversation_id)
        except ValueError as error:
            raise ChatError("Conversation not found.") from error
        response = await self._request("GET", f"conversations/{identifier}")
        with self._chat_errors():
            return Conversation.model_validate_json(response.content)

    async def create(self, **options: str | bool) -> Conversation:
        """Create a conversation; the options are members of the request's body."""
        response = await self._request("POST", "conversations", json=options)
        with self._chat_errors():
            return Conversation.model_validate_json(response.content)

    async def rename(self, conversation_id: UUID, title: str) -> Conversation:
        """Give a conversation another title."""
        response = await self._request("PATCH", f"conversations/{conversation_id}", json={"title": title})
        with self._chat_errors():
            return Conversation.model_validate_json(response.content)

    async def rate(self, conversation_id: UUID, message_id: UUID, rating: int, comment: str) -> None:
        """Rate an answer: 1 is good, -1 is bad."""
        path = f"conversations/{conversation_id}/messages/{message_id}/feedback"
        await self._request("PUT", path, json={"rating": rating, "comment": comment})

    async def delete(self, conversation_id: UUID) -> None:
        """Delete a conversation."""
        await self._request("DELETE", f"conversations/{conversation_id}")

    def answer(self, conversation_id: UUID, question: str, replaces: UUID | None = None) -> AsyncGenerator[Event, None]:
        """Ask a question and stream the events of the answer; closing the generator closes the connection.

        The question may replace an earlier one and what followed it.
        """
        body = {"content": question, **({"replaces": str(replaces)} if replaces else {})}
        return self._events("POST", f"conversations/{conversation_id}/messages", body)

    def running_answer(self, conversation_id: UUID) -> AsyncGenerator[Event, None]:
        """Stream the events of the answer that is running, from its beginning; there are none if it has ended."""
        return self._events("GET", f"conversations/{conversation_id}/stream", None)

    async def _events(self, method: str, path: str, body: dict[str, str] | None) -> AsyncGenerator[Event, None]:
        with self._chat_errors():
            async with self._client.stream(method, path, json=body) as response:
                if response.status_code == httpx2.codes.NO_CONTENT:
                    return
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    raise self._refusal(response)
                frames = FrameReader()
                async for piece in response.aiter_bytes():
                    for event in map(parse, frames.feed(piece)):
                        if event is not None:
                            yield event

    async def stop(self, conversation_id: UUID) -> None:
        """Ask the service to stop the answer; a failure is ignored, because closing the connection stops it too."""
        with suppress(httpx2.HTTPError):
            await self._client.post(f"conversations/{conversation_id}/stop", timeout=_STOP_SECONDS)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str | int] | None = None,
        json: Mapping[str, str | int] | None = None,
    ) -> httpx2.Response:
        with self._chat_errors():
            response = await self._client.request(method, path, params=params, json=json)
        if not response.is_success:
            raise self._refusal(response)
        return response

    def _refusal(self, response: httpx2.Response) -> ChatError:
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            return ChatError(self._access.rejection())
        try:
            detail = _Problem.model_validate_json(response.content).detail
        except ValidationError:
            detail = None
        after = response.headers.get("Retry-After", "")
        retry_after = float(after) if after.isdecimal() else None
        if isinstance(detail, str):
            return ChatError(printable(detail), retry_after)
        return ChatError(f"The service refused the request with status {response.status_code}.", retry_after)

    @contextmanager
    def _chat_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            start = " Start it with `make run`." if _is_loopback(self._client.base_url.host) else ""
            raise ChatError(f"No assistant is running at {self._client.base_url}.{start}") from error
        except httpx2.HTTPError as error:
            raise ChatError("The connection to the assistant was lost.") from error
        except UnreadableEvent as error:
            raise ChatError(str(error)) from error
        except ValidationError as error:
            raise ChatError(f"The server at {self._client.base_url} is not an Imbi assistant.") from error


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine, for which proxies must not be used."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
