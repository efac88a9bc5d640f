"""Conversion between the properties of vertices and the domain's models.

Lists and objects are written as JSON text. They are read as JSON text and as agtype lists and maps, because other
services may write either form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, UUID, uuid5

import orjson

from shared.domain.errors import GraphError
from shared.domain.models import Additions, Conversation, HistoryEdits, JsonObject, Message, StoredMessage
from shared.domain.paging import PageKey
from shared.graph import agtype, call_details
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pydantic import JsonValue


def conversation_properties(conversation: Conversation) -> JsonObject:
    """Return the properties of a conversation's vertex."""
    properties: JsonObject = {
        "id": str(conversation.id),
        "user_email": conversation.user_email,
        "title": conversation.title,
        "created_at": clock.to_text(conversation.created_at),
        "updated_at": clock.to_text(conversation.updated_at),
        "model": conversation.model,
        "is_archived": conversation.is_archived,
    }
    return properties | ({"asks_before_changes": True} if conversation.asks_before_changes else {})


def conversation(properties: JsonValue) -> Conversation:
    """Return the conversation that a vertex's properties describe.

    Raises:
        GraphError: there are no properties, or `created_at` is not a time.
    """
    row = _object(properties)
    created_at = _time(row.get("created_at"))
    return Conversation(
        id=_uuid(row.get("id")),
        user_email=agtype.text(row.get("user_email")),
        title=agtype.text(row.get("title")) or None,
        created_at=created_at,
        updated_at=_time(row.get("updated_at"), created_at),
        model=agtype.text(row.get("model")),
        is_archived=row.get("is_archived") is True,
        prefix=agtype.text(row.get("prefix")) or None,
        edits=_edits(agtype.structure(row.get("edits"))),
        is_title_provisional=row.get("is_title_provisional") is True,
        asks_before_changes=row.get("asks_before_changes") is True,
    )


def page_key(properties: JsonValue) -> PageKey | None:
    """Return the place of a conversation in the list, as it is stored; None if its time or id is not a text."""
    row = _object(properties)
    key = PageKey(agtype.text(row.get("updated_at")), agtype.text(row.get("id")))
    return key if key.updated_at and key.id else None


def message_properties(message: Message) -> JsonObject:
    """Return the properties of a message's vertex, without its position in the conversation."""
    return {
        "id": str(message.id),
        "role": message.role,
        "content": message.content.replace("\0", ""),
        "tool_use": _json(message.tool_use),
        "tool_results": _json(message.tool_results),
        "created_at": clock.to_text(message.created_at),
        "token_usage": _json(message.token_usage),
        "blocks": _json(message.blocks),
        "additions": additions_text(message.additions),
        "is_partial": True if message.is_partial else None,
        "idempotency_key": message.idempotency_key,
        "outcome": _json(message.outcome),
        "call_details": call_details.to_text(message.call_details),
    }


def message(properties: JsonValue) -> StoredMessage:
    """Return the message that a vertex's properties describe.

    Raises:
        GraphError: there are no properties, or `created_at` is not a time.
    """
    row = _object(properties)
    sequence = row.get("sequence")
    usage = agtype.structure(row.get("token_usage"))
    outcome = agtype.structure(row.get("outcome"))
    return StoredMessage(
        id=_uuid(row.get("id")),
        conversation_id=_uuid(row.get("conversation_id")),
        role="assistant" if row.get("role") == "assistant" else "user",
        content=agtype.text(row.get("content")),
        created_at=_time(row.get("created_at")),
        sequence=int(sequence) if isinstance(sequence, int | float | str) else 0,
        tool_use=_objects(row.get("tool_use")),
        tool_results=_objects(row.get("tool_results")),
        token_usage=usage if isinstance(usage, dict) else None,
        blocks=_objects(row.get("blocks")),
        additions=_additions(agtype.structure(row.get("additions"))),
        is_partial=row.get("is_partial") is True,
        idempotency_key=agtype.text(row.get("idempotency_key")) or None,
        outcome=outcome if isinstance(outcome, dict) else None,
        is_superseded=row.get("is_superseded") is True,
        call_details=call_details.read(agtype.structure(row.get("call_details"))),
    )


def additions_text(additions: Additions | None) -> str | None:
    """Return a message's additions as JSON text."""
    return None if additions is None else orjson.dumps(additions).decode()


def edits_text(edits: HistoryEdits) -> str:
    """Return the edits of a history as JSON text."""
    return orjson.dumps(edits).decode()


def _additions(value: JsonValue) -> Additions | None:
    if not isinstance(value, dict):
        return None
    context, system, state = value.get("context"), value.get("system"), value.get("state")
    return Additions(
        tuple(text for text in context if isinstance(text, str)) if isinstance(context, list) else (),
        tuple(block for block in system if isinstance(block, dict)) if isinstance(system, list) else (),
        state if isinstance(state, dict) else None,
    )


def _edits(value: JsonValue) -> HistoryEdits:
    row = value if isinstance(value, dict) else {}
    known = {name: row.get(name) for name in HistoryEdits.__slots__}
    return HistoryEdits(**{name: sequence for name, sequence in known.items() if isinstance(sequence, int)})


def messages(rows: Iterable[tuple[JsonValue, ...]]) -> list[StoredMessage]:
    """Return the message of each row.

    Raises: as message.
    """
    return [message(properties) for (properties,) in rows]


def _json(value: Sequence[JsonObject] | JsonObject | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise GraphError("a vertex has no properties")
    return value


def _objects(value: JsonValue) -> tuple[JsonObject, ...] | None:
    items = agtype.structure(value)
    if not isinstance(items, list) or not items:
        return None
    return tuple(item for item in items if isinstance(item, dict))


def _uuid(value: JsonValue) -> UUID:
    text = agtype.text(value)
    try:
        return UUID(text)
    except ValueError:
        # Another service wrote an id that is not a UUID. The same text always gives the same UUID.
        return uuid5(NAMESPACE_OID, text)


def _time(value: JsonValue, default: datetime | None = None) -> datetime:
    try:
        return clock.parse(agtype.text(value))
    except ValueError:
        if default is not None:
            return default
        raise GraphError("a stored time is not an ISO 8601 time") from None
