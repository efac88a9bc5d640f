"""A stored answer with the questions that led to it, found in the database or through the service."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.chat.client import ServiceClient
from local.chat.events import Message, StoredCall
from shared.domain.errors import GraphError, SettingsError, StartupError
from shared.graph.connector import Graph
from shared.graph.message_pages import MessagePages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from local.chat.access import Access
    from shared.domain.models import StoredMessage
    from shared.settings import Settings

_SEARCHED = 100
"""The number of the user's newest conversations in which the answer is looked for."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer: the questions up to it, in the user's own words, and the tools that it called."""

    questions: tuple[str, ...]
    tools: tuple[str, ...]


async def from_database(settings: Settings, message_id: UUID) -> StoredAnswer:
    """Find an answer of any user in the database.

    Raises:
        SettingsError: there is no such answer.
        StartupError: the database cannot be read.
    """
    graph = Graph(settings.postgres_url.get_secret_value(), settings.postgres_graph_name, min_size=0, max_size=1)
    try:
        messages = await MessagePages(graph).around(message_id)
    except GraphError as error:
        raise StartupError(f"The answer cannot be read: {type(error).__name__} {error}".strip()) from error
    finally:
        await graph.aclose()
    answer = next((each for each in messages if each.id == message_id), None)
    current = [each for each in messages if answer is not None and each.is_superseded == answer.is_superseded]
    return _answer(list(map(_shown, current)), message_id)


async def from_service(access: Access, message_id: UUID) -> StoredAnswer:
    """Find an answer among the newest conversations of the user.

    Raises:
        ChatError: the service cannot be reached, or does not accept the token.
        SettingsError: there is no such answer.
    """
    async with aclosing(ServiceClient(access)) as client:
        for conversation in await client.recent(limit=_SEARCHED):
            messages = (await client.conversation(str(conversation.id))).messages
            if any(message.id == message_id for message in messages):
                return _answer(messages, message_id)
    return _answer((), message_id)


def _shown(message: StoredMessage) -> Message:
    calls = tuple(StoredCall(name=str(call.get("name"))) for call in message.tool_use or ())
    return Message(id=message.id, role=message.role, content=message.content, tool_use=calls)


def _answer(messages: Sequence[Message], message_id: UUID) -> StoredAnswer:
    """Return the answer that a message belongs to.

    Raises:
        SettingsError: there is no such message, or it is a question.
    """
    ids = [message.id for message in messages]
    if message_id not in ids or messages[ids.index(message_id)].role != "assistant":
        raise SettingsError(
            [f"No answer with the id {message_id} is found. Set POSTGRES_URL to look at the answers to all users."]
        )
    read = messages[: ids.index(message_id) + 1]
    asked = [at for at, message in enumerate(read) if message.role == "user" and message.text]
    calls = [call.name for message in read[asked[-1] if asked else 0 :] for call in message.tool_use or ()]
    return StoredAnswer(tuple(read[at].text for at in asked), tuple(dict.fromkeys(calls)))
