"""A conversation as a file: Markdown for people, JSON for programs, streamed in pages of messages."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from fastapi.responses import StreamingResponse

from shared.chat.shown_messages import shown_messages
from shared.domain.replaced_questions import is_question
from shared.domain.user_text import without_ui_blocks
from shared.graph.conversations import WholeConversation
from shared.http import export_markdown
from shared.http.schemas import Conversation as ConversationBody
from shared.http.schemas import Message as MessageBody
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from shared.chat.shown_messages import ShownMessage
    from shared.domain.models import Conversation, StoredMessage
    from shared.graph.message_pages import MessagePages
    from shared.graph.repositories import Repositories

_PAGE = 100
"""So many messages are in memory at a time."""
_NAME_CHARS = 80
_FORMAT = "imbi-assistant-conversation"
_VERSION = 1
_NOT_IN_NAMES = frozenset('/\\:*?"<>|%')


class ExportFormat(StrEnum):
    """The formats of an export."""

    MARKDOWN = "md"
    JSON = "json"


_MEDIA_TYPES = {ExportFormat.MARKDOWN: "text/markdown; charset=utf-8", ExportFormat.JSON: "application/json"}


async def export(
    repositories: Repositories, conversation_id: UUID, email: str, form: ExportFormat
) -> StreamingResponse:
    """Return a conversation as a file. Errors before its first byte get their usual status.

    Raises:
        ConversationNotFound: the user has no such conversation.
        GraphUnavailable: the database cannot be reached.
    """
    pages = repositories.message_pages
    conversation = await pages.find(conversation_id, email)
    feedback = await repositories.feedback.of_conversation(conversation_id, email)
    first = await pages.after(conversation_id, email, -1, _PAGE)
    messages = _shown(pages, WholeConversation(conversation, (), feedback=feedback), first)
    body = _markdown(conversation, messages) if form is ExportFormat.MARKDOWN else _json(conversation, messages)
    headers = {
        "Content-Disposition": content_disposition(conversation.title, form),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(body, media_type=_MEDIA_TYPES[form], headers=headers)


def content_disposition(title: str | None, extension: str) -> str:
    """Return the header that names the file after the title, in ASCII and in UTF-8 (RFC 6266, RFC 8187)."""
    name = "".join(
        " " if character in _NOT_IN_NAMES or unicodedata.category(character)[0] in "CZ" else character
        for character in title or ""
    )
    name = " ".join(name.split())[:_NAME_CHARS].strip(" .") or "conversation"
    decomposed = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = " ".join("".join(c if c not in _NOT_IN_NAMES else " " for c in decomposed).split()).strip(" .")
    return (
        f'attachment; filename="{plain or "conversation"}.{extension}"; '
        f"filename*=UTF-8''{quote(f'{name}.{extension}', safe='')}"
    )


async def _shown(
    pages: MessagePages, whole: WholeConversation, page: Sequence[StoredMessage]
) -> AsyncIterator[list[ShownMessage]]:
    """Yield the messages in whole exchanges, because the end of an answer shows how the answer ended."""
    conversation = whole.conversation
    ended = replace(whole, conversation=replace(conversation, is_answering=False))
    waiting: list[StoredMessage] = []
    while len(page) == _PAGE:
        waiting += page
        complete = max((index for index, message in enumerate(waiting) if is_question(message)), default=0)
        yield shown_messages(replace(ended, messages=waiting[:complete]))
        del waiting[:complete]
        page = await pages.after(conversation.id, conversation.user_email, page[-1].sequence, _PAGE)
    yield shown_messages(replace(whole, messages=[*waiting, *page]))


async def _markdown(conversation: Conversation, messages: AsyncIterator[list[ShownMessage]]) -> AsyncIterator[bytes]:
    yield export_markdown.heading(conversation).encode()
    async for page in messages:
        yield "".join(map(export_markdown.message, page)).encode()


async def _json(conversation: Conversation, messages: AsyncIterator[list[ShownMessage]]) -> AsyncIterator[bytes]:
    head = {
        "format": _FORMAT,
        "version": _VERSION,
        "exported_at": clock.now(),
        "conversation": ConversationBody.model_validate(conversation).model_dump(mode="json"),
    }
    yield orjson.dumps(head)[:-1] + b',"messages":['
    separator = b""
    async for page in messages:
        for shown in page:
            yield separator + _message(shown)
            separator = b","
    yield b"]}"


def _message(shown: ShownMessage) -> bytes:
    body = MessageBody.of(shown)
    if body.role == "user":
        body.content = without_ui_blocks(body.content)
    return body.model_dump_json().encode()
