"""The JSON schema of the events in an answer's stream, for the OpenAPI document (`itemSchema` of OpenAPI 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_TRUTH = {"type": "boolean"}
_OBJECT = {"type": "object"}
_LIST = {"type": "array", "items": _OBJECT}
_CALL = {"id": _TEXT, "name": _TEXT}

DATA: Mapping[str, Mapping[str, Any]] = {
    "text": {"text": _TEXT},
    "thinking": {"text": _TEXT},
    "tool_use_start": _CALL,
    "tool_input": {"partial_json": _TEXT},
    "content_block_stop": {},
    "tool_executing": _CALL,
    "tool_result": {**_CALL, "is_error": _TRUTH, "duration_ms": _NUMBER},
    "client_action": {"id": _TEXT, "action": _TEXT, "params": _OBJECT},
    "approval_required": {"approval_id": _TEXT, "expires_at": _TEXT, "calls": _LIST},
    "done": {"message_id": _TEXT, "usage": _OBJECT, "stop_reason": _TEXT},
    "restarted": {},
    "title_updated": {"title": _TEXT},
    "error": {"message": _TEXT, "code": _TEXT, "retryable": _TRUTH},
}
"""The fields that the data of every event of a name has; further ones may follow."""


def event_schema() -> dict[str, Any]:
    """Return the schema of one server-sent event as parsed: its `event`, its `id`, and its `data` as JSON text."""
    return {
        "title": "AnswerEvent",
        "description": "An event of an answer. Exactly one `done` or `error` ends the answer.",
        "oneOf": [_event(name, fields) for name, fields in DATA.items()],
    }


def _event(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    content = {"type": "object", "properties": dict(fields), "required": list(fields)}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content}
    return {
        "type": "object",
        "properties": {"event": {"const": name}, "id": _TEXT, "data": data},
        "required": ["event", "data"],
    }
