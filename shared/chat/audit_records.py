"""The audit's records: what a tool call did, for whom, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.auth import api_keys
from shared.domain.errors import Unauthenticated
from shared.tools.results.masking import masked
from shared.tools.results.redaction import without_internals
from shared.util.text import clean

if TYPE_CHECKING:
    from shared.domain.calls import CallStatus, PlannedCall
    from shared.domain.events import ToolCall
    from shared.domain.models import Caller, JsonObject

_KEYS = UUID("6f1d2a52-0c0a-5b0e-9b60-0a4f3d1c7e11")
"""The namespace of idempotency keys (RFC 9562, section 5.5)."""
_MAX_NAME_CHARS = 200
_MAX_PATH_CHARS = 500


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What all calls of one answer have in common."""

    caller: Caller
    conversation_id: UUID
    question_id: UUID
    request_id: str | None


def record_of(
    answer: AnswerFacts, planned: PlannedCall, at: str, status: CallStatus, duration_ms: int | None = None
) -> JsonObject:
    """Return the record of a call; `at` is the time at which the call began or was refused."""
    call, facts = planned.call, planned.facts
    return {
        "at": at,
        "user": answer.caller.principal.subject,
        "key_id": key_id_of(answer.caller.token),
        "conversation_id": str(answer.conversation_id),
        "question_id": str(answer.question_id),
        "call_id": _name(call.id),
        "tool": _name(call.name),
        "source": facts.source if facts else "unknown",
        "effect": facts.effect if facts else "unknown",
        "method": facts.method if facts else None,
        "path_template": facts.path_template if facts else None,
        "path": without_internals(facts.path[:_MAX_PATH_CHARS]) if facts and facts.path else None,
        "digest": digest_of(call),
        "arguments": masked(call.input),
        "status": status,
        "duration_ms": duration_ms,
        "approval_id": planned.approval_id,
        "request_id": answer.request_id,
    }


def digest_of(call: ToolCall) -> str:
    """Return the SHA-256 of a call's name and unchanged arguments."""
    arguments = json.dumps(call.input, sort_keys=True, separators=(",", ":"))
    return sha256(f"{call.name}\n{arguments}".encode("utf-8", "replace")).hexdigest()


def idempotency_key(answer: AnswerFacts, round_number: int, call: ToolCall) -> str:
    """Return the key of a call, which is the same whenever this call is sent and another one for every other call.

    Some gateways give calls of different replies the same id, so the id alone is not enough.
    """
    name = f"{answer.conversation_id} {answer.question_id} {round_number} {call.id} {digest_of(call)}"
    return str(uuid5(_KEYS, name))


def key_id_of(token: str) -> str | None:
    """Return the id of the API key that a caller used, or None if it used an access token."""
    if not token.startswith(api_keys.PREFIX):
        return None
    try:
        return api_keys.parse(token).key_id
    except Unauthenticated:
        return None


def _name(text: str) -> str:
    return clean(text)[:_MAX_NAME_CHARS]
