"""The body and the headers of a request to the Messages API.

https://platform.claude.com/docs/en/api/messages
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from shared.claude.capabilities import capabilities_of
from shared.claude.optional_features import COMPACTION, CONTEXT_EDITING, THINKING_UPDATES, TOOL_CHANGES, Feature
from shared.domain.content_blocks import blocks_of, encoded, text_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.claude.optional_features import Features
    from shared.domain.models import JsonObject
    from shared.domain.requests import Capabilities, ModelRequest, Prefix, SystemPrompt

_SEARCH_OF_API = b'{"type":"tool_search_tool_bm25_20251119","name":"tool_search_tool_bm25"}'
_RESULTS_KEPT = 6
"""The API keeps at least this number of tool results, and always all results of the running round."""
_CLEARED_AT_LEAST = 20_000
"""Clearing must free this number of tokens, because it causes one new write to the cache."""
_COMPACTED_ABOVE = 4
"""Compaction begins at this multiple of the number of tokens at which results are cleared."""
_LEAST_COMPACTION = 150_000
_CHANGES = frozenset({"tool_removal", "tool_addition"})
_NOT_MARKED = frozenset({"thinking", "redacted_thinking", "compaction"})
"""Blocks that may not carry `cache_control`."""


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """The body of a request with the optional features that it uses."""

    body: bytes
    features: tuple[Feature, ...]
    model: str = ""
    has_fallback: bool = False
    """Another model answers if this one is too busy."""

    @property
    def betas(self) -> str:
        """The value of the `anthropic-beta` header; empty if no feature needs it."""
        return ",".join(each.beta for each in self.features)


def encode(request: ModelRequest, features: Features, clear_above: int) -> EncodedRequest:
    """Encode a request. If the model supports it, the API clears old tool results above `clear_above` tokens."""
    capabilities = capabilities_of(request.model)
    used = [each for each in _wanted(request, capabilities) if features.allows(each)]
    body: dict[str, object] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "stream": True,
        "system": _system(request.prefix.system, is_cached=request.is_repeated),
        "messages": orjson.Fragment(b"[" + b",".join(_messages(request, features)) + b"]"),
    }
    if request.prefix.tools:
        body["tools"] = orjson.Fragment(b"[" + b",".join(_tools(request.prefix)) + b"]")
        if not request.may_call_tools:
            body["tool_choice"] = {"type": "none"}
    if edits := _context_edits(request.messages, used, clear_above):
        body["context_management"] = {"edits": edits}
    if capabilities.thinking_display:
        body["thinking"] = {"type": "adaptive", "display": "updates" if THINKING_UPDATES in used else "summarized"}
    if request.effort is not None and capabilities.effort:
        body["output_config"] = {"effort": request.effort}
    return EncodedRequest(orjson.dumps(body), tuple(used), request.model, request.has_fallback)


def _wanted(request: ModelRequest, capabilities: Capabilities) -> Iterator[Feature]:
    if capabilities.context_editing and request.is_repeated:
        yield CONTEXT_EDITING
        if capabilities.compaction:
            yield COMPACTION
    if capabilities.thinking_display:
        yield THINKING_UPDATES
    if any(block.get("type") in _CHANGES for block in _system_blocks(request.messages)):
        yield TOOL_CHANGES


def _system_blocks(messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
    return (block for message in messages if message["role"] == "system" for block in blocks_of(message))


def _without_tool_changes(messages: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the messages without changes of tools. An address that refuses them has no thinking behind any."""
    return [message for message in messages if not _is_tool_change(message)]


def _is_tool_change(message: JsonObject) -> bool:
    return message["role"] == "system" and all(block.get("type") in _CHANGES for block in blocks_of(message))


def _context_edits(messages: Sequence[JsonObject], used: Sequence[Feature], clear_above: int) -> list[JsonObject]:
    """Return the edits that the API makes: it clears old results, and summarizes a conversation that is still too long.

    https://platform.claude.com/docs/en/build-with-claude/context-editing
    https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    if CONTEXT_EDITING not in used:
        return []
    running = sum(block.get("type") == "tool_result" for block in blocks_of(_last_of_user(messages)))
    clearing: JsonObject = {
        "type": "clear_tool_uses_20250919",
        "trigger": {"type": "input_tokens", "value": clear_above},
        "keep": {"type": "tool_uses", "value": max(_RESULTS_KEPT, running)},
        "clear_at_least": {"type": "input_tokens", "value": min(_CLEARED_AT_LEAST, clear_above // 2)},
    }
    above = max(_LEAST_COMPACTION, _COMPACTED_ABOVE * clear_above)
    compacting: JsonObject = {"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": above}}
    return [clearing, compacting] if COMPACTION in used else [clearing]


def _last_of_user(messages: Sequence[JsonObject]) -> JsonObject:
    return next((message for message in reversed(messages) if message["role"] == "user"), {"content": []})


def _tools(prefix: Prefix) -> list[bytes]:
    """Return the tool definitions as JSON. They are long and part of every request, so they were encoded only once."""
    search = [_SEARCH_OF_API] if prefix.mode == "server" else []
    return search + [tool.sent for tool in prefix.tools]


def _system(prompt: SystemPrompt, *, is_cached: bool) -> list[JsonObject]:
    """Return the prompt's parts. The breakpoint after the part for all users covers the tools as well."""
    parts = [text_block(text) for text in (prompt.static, prompt.personal) if text.strip()]
    if is_cached and parts:
        parts[0] = {**parts[0], "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    return parts


def _messages(request: ModelRequest, features: Features) -> Iterator[bytes]:
    """Yield the messages as JSON. Those that were encoded before are not encoded again, unless they are marked."""
    messages, known = request.messages, request.encoded
    if not features.allows(TOOL_CHANGES):
        messages = _without_tool_changes(messages)
        known = known if len(messages) == len(request.messages) else ()
    marked = _marked_places(messages) if request.is_repeated else ()
    for place, message in enumerate(messages):
        if place in marked:
            yield encoded(_marked(message))
        else:
            yield known[place] if place < len(known) else encoded(message)


def _marked_places(messages: Sequence[JsonObject]) -> list[int]:
    """Return the places of the last two messages of the user. They get breakpoints.

    The next request will differ after the last one, and the previous request ended with the one before. The API looks
    for cached content in only the 20 blocks before a breakpoint. With both, it finds the cache after a longer round.
    """
    of_user = (place for place in reversed(range(len(messages))) if messages[place]["role"] == "user")
    return [*islice(of_user, 2)]


def _marked(message: JsonObject) -> JsonObject:
    """Return a message with a breakpoint on its last block that may carry one."""
    blocks = blocks_of(message)
    place = next((i for i in reversed(range(len(blocks))) if _may_be_marked(blocks[i])), None)
    if place is None:
        return message
    blocks[place] = {**blocks[place], "cache_control": {"type": "ephemeral"}}
    return {**message, "content": [*blocks]}


def _may_be_marked(block: JsonObject) -> bool:
    if block.get("type") == "text":
        return bool(str(block.get("text", "")).strip())
    return block.get("type") not in _NOT_MARKED
