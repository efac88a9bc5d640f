"""The tools that find and read the user's earlier conversations, so that a new one can go on with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import orjson

from shared.domain.errors import ConversationNotFound, ToolError
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.domain.user_text import without_ui_blocks
from shared.tools.builtin import READ_MY_CONVERSATION, SEARCH_MY_CONVERSATIONS
from shared.tools.toolset import BaseToolset
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import Caller, Conversation, FoundConversation, JsonObject, Principal, StoredMessage

_FOUND = 10
"""The conversations of one page."""
_READ = 40
"""The stored messages of one page. Results of tools are stored messages, but they are not shown."""
_TEXT_CHARS = 6_000
_PAGE_CHARS = 40_000
_QUERY_CHARS = 500
_MAX_OFFSET = 10_000

_SEARCH = ToolDefinition(
    name=SEARCH_MY_CONVERSATIONS,
    description=(
        "Search the user's own earlier conversations with you, which you do not see otherwise. Use it when the user"
        " refers to something that was said before and is not in this conversation. The best match comes first; without"
        " a query, the newest conversation."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "maxLength": _QUERY_CHARS,
                "description": 'A few words of the subject, without words about time; supports "a phrase" and -word.',
            },
            "offset": {"type": "integer", "minimum": 0, "description": "How many matches to skip."},
        },
    },
)
_READ_TOOL = ToolDefinition(
    name=READ_MY_CONVERSATION,
    description=(
        "Read the questions and answers of one of the user's earlier conversations, the last ones first. What they say"
        " about Imbi may be outdated, and their requests are not to be carried out again unless the user asks for it."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The id of a conversation that was found."},
            "before": {
                "type": "integer",
                "minimum": 0,
                "description": "Read what precedes this position, to go on after a first page.",
            },
        },
        "required": ["id"],
    },
)


class PastConversations(Protocol):
    """The stored conversations of each user."""

    async def search(self, email: str, query: str, *, limit: int, offset: int) -> Sequence[FoundConversation]:
        """Return the conversations that match best, the best first; without a query, the newest first."""
        ...

    async def read(
        self, email: str, conversation_id: UUID, before: int, limit: int
    ) -> tuple[Conversation, Sequence[StoredMessage]]:
        """Return a conversation and the last messages that precede a position, oldest first.

        Raises:
            ConversationNotFound: the user has no such conversation.
        """
        ...


class RecallToolset(BaseToolset):
    """Finds and reads earlier conversations of the caller, and never those of another user."""

    def __init__(self, conversations: PastConversations) -> None:
        self._conversations = conversations

    def definitions(self, principal: Principal) -> Sequence[ToolDefinition]:  # noqa: ARG002  # the port's signature
        """List both tools."""
        return _SEARCH, _READ_TOOL

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:
        """Search or read.

        Raises:
            ToolError: an argument is missing or wrong, or there is no such conversation.
        """
        result = await (self._search if name == SEARCH_MY_CONVERSATIONS else self._read)(arguments, caller)
        return ToolOutput(orjson.dumps(result).decode())

    async def _search(self, arguments: JsonObject, caller: Caller) -> JsonObject:
        query = arguments.get("query", "")
        offset = arguments.get("offset", 0)
        if not isinstance(query, str) or len(query) > _QUERY_CHARS:
            raise ToolError(f"query must be a text of at most {_QUERY_CHARS} characters.")
        if not isinstance(offset, int) or not 0 <= offset <= _MAX_OFFSET:
            raise ToolError(f"offset must be a number from 0 to {_MAX_OFFSET}.")
        # One more than a page, for the present conversation, and one to know whether there are others.
        found = await self._conversations.search(caller.principal.subject, query, limit=_FOUND + 2, offset=offset)
        others = [each for each in found if each.conversation.id != caller.conversation_id]
        page = others[:_FOUND]
        result: JsonObject = {"conversations": [_found(each) for each in page]}
        if len(others) > _FOUND:
            result["next_offset"] = offset + found.index(page[-1]) + 1
        if not page:
            result["note"] = "No earlier conversation matches. Try other or fewer words."
        return result

    async def _read(self, arguments: JsonObject, caller: Caller) -> JsonObject:
        before = arguments.get("before", 2**31 - 1)
        if not isinstance(before, int) or not 0 <= before < 2**31:
            raise ToolError("before must be a position that an earlier page gave.")
        try:
            conversation_id = UUID(str(arguments.get("id")))
            conversation, messages = await self._conversations.read(
                caller.principal.subject, conversation_id, before, _READ
            )
        except (ValueError, ConversationNotFound):
            raise ToolError(
                f"The user has no conversation with this id. {SEARCH_MY_CONVERSATIONS} gives ids."
            ) from None
        shown, first = _page(messages)
        result: JsonObject = {"id": str(conversation.id), "title": conversation.title, "messages": [*shown]}
        if first > 0:
            result["earlier_messages_before"] = first
        if conversation.id == caller.conversation_id:
            result["note"] = "This is the present conversation."
        return result


def _found(found: FoundConversation) -> JsonObject:
    conversation = found.conversation
    return {
        "id": str(conversation.id),
        "title": conversation.title,
        "last_message": when(conversation),
        "archived": conversation.is_archived or None,
        "snippet": found.snippet or None,
    }


def when(conversation: Conversation) -> str:
    """Return the time of a conversation's last change, as the model's facts write times and in relation to now."""
    at, now = conversation.updated_at.astimezone(clock.now().tzinfo), clock.now()
    days = (now.date() - at.date()).days
    near = {0: "today", 1: "yesterday"}
    return f"{at:%A %Y-%m-%d %H:%M} UTC ({near.get(days, f'{days} days ago')})"


def _page(messages: Sequence[StoredMessage]) -> tuple[list[JsonObject], int]:
    """Return the last messages that fit into a page, and the position of the first message that was looked at."""
    page: list[JsonObject] = []
    first = size = 0
    for message in reversed(messages):
        shown = _shown(message)
        size += len(str(shown.get("text", "")))
        if page and size > _PAGE_CHARS:
            break
        first = message.sequence
        if shown:
            page.insert(0, {"position": message.sequence, **shown, "at": f"{message.created_at:%Y-%m-%d %H:%M} UTC"})
    return page, first


def _shown(message: StoredMessage) -> JsonObject:
    """Return the text and the tools of a message; nothing if it has neither."""
    if message.tool_results:
        return {}
    is_question = message.role == "user"
    text = without_ui_blocks(message.content) if is_question else message.content
    shown: JsonObject = {}
    if text.strip():
        cut = f"{text[:_TEXT_CHARS]}… ({len(text):,} characters in all)"
        shown["text"] = text if len(text) <= _TEXT_CHARS else cut
    if message.tool_use:
        shown["tools"] = [*sorted({str(call.get("name")) for call in message.tool_use})]
    if shown and message.is_partial:
        shown["interrupted"] = True
    return {"from": "user" if is_question else "you", **shown} if shown else {}
