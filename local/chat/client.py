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
    from collections.abc import AsyncGenerator, Iterator

    from local.chat.events import Event

# The service sends a comment after 10 s of silence, so a connection that is silent for a minute is dead.
_TIMEOUT = httpx2.Timeout(60, connect=5)
# Between two questions, the service would usually close an idle connection.
_LIMITS = httpx2.Limits(max_keepalive_connections=0)
_STOP_SECONDS = 2
_CONVERSATIONS = TypeAdapter(list[Conversation])


class ChatError(Exception):
    """A request failed; the message is one line for the user."""


class _Problem(BaseModel):
    detail: JsonValue = None


class ServiceClient:
    """A client of the service with one user's access token; `base_url` includes the prefix of the routes.

    Every method except `stop` and `aclose` raises ChatError if the service cannot be reached or refuses the request.
    """

    def __init__(self, base_url: str, token: str) -> None:
        try:
            url = httpx2.URL(base_url)
            self._client = httpx2.AsyncClient(
                base_url=url,
                headers={"Authorization": f"Bearer {token}"},
                timeout=_TIMEOUT,
                limits=_LIMITS,
                trust_env=not _is_loopback(url.host),
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise ChatError(f"{printable(base_url)} is not a valid URL.") from error

    async def recent(self, limit: int = 20) -> list[Conversation]:
        """List the newest conversations."""
        response = await self._request("GET", "conversations", params={"limit": limit})
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

    async def create(self) -> Conversation:
        """Create a conversation."""
        response = await self._request("POST", "conversations")
        with self._chat_errors():
            return Conversation.model_validate_json(response.content)

    async def answer(self, conversation_id: UUID, question: str) -> AsyncGenerator[Event, None]:
        """Ask a question and stream the events of the answer; closing the generator closes the connection."""
        path, body = f"conversations/{conversation_id}/messages", {"content": question}
        with self._chat_errors():
            async with self._client.stream("POST", path, json=body) as response:
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    raise _refusal(response)
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

    async def _request(self, method: str, path: str, *, params: dict[str, int] | None = None) -> httpx2.Response:
        with self._chat_errors():
            response = await self._client.request(method, path, params=params)
        if not response.is_success:
            raise _refusal(response)
        return response

    @contextmanager
    def _chat_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            raise ChatError(f"No assistant is running at {self._client.base_url}. Start it with `make run`.") from error
        except httpx2.HTTPError as error:
            raise ChatError("The connection to the assistant was lost.") from error
        except UnreadableEvent as error:
            raise ChatError(str(error)) from error
        except ValidationError as error:
            raise ChatError(f"The server at {self._client.base_url} is not an Imbi assistant.") from error


def _refusal(response: httpx2.Response) -> ChatError:
    if response.status_code == httpx2.codes.UNAUTHORIZED:
        return ChatError(
            "The service rejected the access token. Check --user, and --data-dir if the service uses another one."
        )
    try:
        detail = _Problem.model_validate_json(response.content).detail
    except ValidationError:
        detail = None
    if isinstance(detail, str):
        return ChatError(printable(detail))
    return ChatError(f"The service refused the request with status {response.status_code}.")


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine, for which proxies must not be used."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
