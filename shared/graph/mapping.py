"""Vertices' properties ↔ our models. Lists and objects are written as JSON text and read in both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, UUID, uuid5

import orjson

from shared.domain.errors import GraphError
from shared.domain.models import Additions, Conversation, HistoryEdits, JsonObject, Message, StoredMessage
from shared.graph import agtype
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import JsonValue


def conversation_properties(conversation: Conversation) -> JsonObject:
    """Give a conversation's properties."""
    return {
        "id": str(conversation.id),
        "user_email": conversation.user_email,
        "title": conversation.title,
        "created_at": clock.text_of(conversation.created_at),
        "updated_at": clock.text_of(conversation.updated_at),
        "model": conversation.model,
        "is_archived": conversation.is_archived,
    }


def conversation(properties: JsonValue) -> Conversation:
    """Read a conversation from its properties.

    Raises:
        GraphError: the properties are no conversation's.
    """
    row = _object(properties)
    created_at = _time(row.get("created_at"))
    return Conversation(
        id=_uuid(row.get("id")),
        user_email=_text(row.get("user_email")),
        title=_text(row.get("title")) or None,
        created_at=created_at,
        updated_at=_time(row.get("updated_at"), created_at),
        model=_text(row.get("model")),
        is_archived=row.get("is_archived") is True,
        prefix=_text(row.get("prefix")) or None,
        edits=_edits(agtype.structure(row.get("edits"))),
    )


def message_properties(message: Message) -> JsonObject:
    """Give a message's properties, without its place in the conversation."""
    return {
        "id": str(message.id),
        "role": message.role,
        "content": message.content.replace("\0", ""),
        "tool_use": _json(message.tool_use),
        "tool_results": _json(message.tool_results),
        "created_at": clock.text_of(message.created_at),
        "token_usage": _json(message.token_usage),
        "blocks": _json(message.blocks),
        "additions": additions_text(message.additions),
        "is_partial": True if message.is_partial else None,
        "idempotency_key": message.idempotency_key,
    }


def message(properties: JsonValue) -> StoredMessage:
    """Read a message from its properties.

    Raises:
        GraphError: the properties are no message's.
    """
    row = _object(properties)
    sequence = row.get("sequence")
    usage = agtype.structure(row.get("token_usage"))
    outcome = agtype.structure(row.get("outcome"))
    return StoredMessage(
        id=_uuid(row.get("id")),
        conversation_id=_uuid(row.get("conversation_id")),
        role="assistant" if row.get("role") == "assistant" else "user",
        content=_text(row.get("content")),
        created_at=_time(row.get("created_at")),
        sequence=int(sequence) if isinstance(sequence, int | float | str) else 0,
        tool_use=_objects(row.get("tool_use")),
        tool_results=_objects(row.get("tool_results")),
        token_usage=usage if isinstance(usage, dict) else None,
        blocks=_objects(row.get("blocks")),
        additions=_additions(agtype.structure(row.get("additions"))),
        is_partial=row.get("is_partial") is True,
        idempotency_key=_text(row.get("idempotency_key")) or None,
        outcome=outcome if isinstance(outcome, dict) else None,
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


def _json(value: Sequence[JsonObject] | JsonObject | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise GraphError("a vertex has no properties")
    return value


def _objects(value: JsonValue) -> tuple[JsonObject, ...] | None:
    read = agtype.structure(value)
    return tuple(each for each in read if isinstance(each, dict)) if isinstance(read, list) and read else None


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _uuid(value: JsonValue) -> UUID:
    text = _text(value)
    try:
        return UUID(text)
    except ValueError:
        # Stable for the same row, so that a client can tell messages apart whatever wrote them.
        return uuid5(NAMESPACE_OID, text)


def _time(value: JsonValue, otherwise: datetime | None = None) -> datetime:
    try:
        return clock.read(_text(value))
    except ValueError:
        if otherwise is not None:
            return otherwise
        raise GraphError("a time of the graph cannot be read") from None
