"""The rules about a body's fields and their types, which all other rules take for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.request import is_objects, words
from local.messages_api.sizes import max_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

FIELDS: Final = words(
    "cache_control compaction container context_management diagnostics fallbacks inference_geo max_tokens mcp_servers "
    "messages metadata model output_config service_tier speed stop_sequences stream system thinking tool_choice tools "
    "user_profile_id workspace_id"
)
"""Page: the Messages API's reference, version 2026-10-21."""

ROLES: Final = words("user assistant system")
"""The roles of a message; `system` is checked further by `local.messages_api.system_messages`."""

MESSAGE_FIELDS: Final = words("role content")
SYSTEM_FIELDS: Final = MESSAGE_FIELDS | words("clear_at output_config")


def shape_problems(body: Body, *, is_count: bool) -> list[str]:
    """Return the errors in a body's shape; `is_count` means a request that only counts tokens."""
    found = [f"{name}: Extra inputs are not permitted" for name in body if name not in FIELDS]
    needed = ("model", "messages") if is_count else ("model", "max_tokens", "messages")
    if missing := [f"{name}: Field required" for name in needed if name not in body]:
        return found + missing
    found += _model(body)
    found += [] if is_count else max_tokens(body)
    if not isinstance(body["messages"], list):
        return [*found, "messages: Input should be a valid list"]
    found += _lists(body)
    return found + [problem for item in enumerate(body["messages"]) for problem in _message(*item)]


def _model(body: Body) -> Iterator[str]:
    if not isinstance(body["model"], str) or not body["model"]:
        yield "model: String should have at least 1 character"


def _lists(body: Body) -> Iterator[str]:
    for name in ("tools", "system"):
        value = body.get(name, [])
        if not (name == "system" and isinstance(value, str)) and not is_objects(value):
            yield f"{name}: Input should be a valid list"


def _message(index: int, message: object) -> Iterator[str]:
    if not isinstance(message, dict):
        yield f"messages.{index}: Input should be a valid dictionary"
        return
    if message.get("role") not in ROLES:
        yield f"messages.{index}.role: Input should be 'user' or 'assistant'"
    if "content" not in message:
        yield f"messages.{index}.content: Field required"
    elif not isinstance(message["content"], str) and not is_objects(message["content"]):
        yield f"messages.{index}.content: Input should be a valid list"
    for name in sorted(message.keys() - (SYSTEM_FIELDS if message.get("role") == "system" else MESSAGE_FIELDS)):
        yield f"messages.{index}.{name}: Extra inputs are not permitted"
