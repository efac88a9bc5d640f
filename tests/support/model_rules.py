"""What the Messages API refuses, as pure rules over a request's body, in the API's own words.

    problems({"model": "claude-sonnet-4-6", "max_tokens": 10, "messages": []})
    # ['messages: at least one message is required']

The API names the first problem only; `problems` names all. Block types that are not known here pass: the API knows more
of them with every release, and what it has said itself it takes back. Two rules are stricter than the API, so that a
mistake shows: `max_tokens` 0 (which only warms the cache) is refused, and so is the role `system` among the messages.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.support.model_tool_rules import tools, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json: TypeAlias = dict[str, Any]
Rule: TypeAlias = "Callable[[Json], Iterator[str]]"


FIELDS = words(
    "cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier "
    "speed stop_sequences stream system thinking tool_choice tools user_profile_id workspace_id"
)
BETA_FIELDS = words("context_management fallbacks mcp_servers")
"""Fields that the API knows only where the request has an `anthropic-beta` header."""

BLOCKS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    kind: (words(required), words(optional))
    for kind, required, optional in (
        ("text", "text", "cache_control citations"),
        ("image", "source", "cache_control transformations"),
        ("tool_use", "id name input", "cache_control caller toolset_name"),
        ("tool_result", "tool_use_id", "cache_control content is_error toolset_name"),
        ("thinking", "thinking signature", ""),
        ("redacted_thinking", "data", ""),
        ("server_tool_use", "id name input", "cache_control caller"),
        ("tool_reference", "tool_name", "cache_control"),
    )
}
"""Required and optional fields of the content blocks that are checked, by type."""

SIGNED = "EqMB"
"""How a signature begins that this module made."""

MAX_BREAKPOINTS = 4


def signature_of(thinking: str) -> str:
    """Sign a thought the way the scripted model does, so that a changed one is found out."""
    return SIGNED + base64.b64encode(hashlib.sha256(thinking.encode()).digest()).decode()


def problems(body: Json, *, has_beta: bool = False) -> list[str]:
    """List everything in a request's body that the API would answer with 400."""
    known = FIELDS | BETA_FIELDS if has_beta else FIELDS
    found = [f"{name}: Extra inputs are not permitted" for name in body if name not in known]
    found += _shape(body)
    if found:
        return found
    return [problem for rule in RULES for problem in rule(body)]


@dataclass(frozen=True, slots=True)
class _Block:
    """A content block and where it stands."""

    message: int
    position: int
    value: Json

    @property
    def kind(self) -> str:
        return str(self.value.get("type"))

    @property
    def path(self) -> str:
        return f"messages.{self.message}.content.{self.position}"


@dataclass(frozen=True, slots=True)
class _Turn:
    """Messages of one role that follow one another: the API joins them."""

    role: str
    last: int
    blocks: list[_Block]

    def of(self, kind: str) -> list[_Block]:
        return [block for block in self.blocks if block.kind == kind]


def _blocks_of(index: int, message: Json) -> list[_Block]:
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [_Block(index, position, value) for position, value in enumerate(content)]


def _turns(body: Json) -> list[_Turn]:
    turns = []
    for role, group in groupby(enumerate(body["messages"]), key=lambda item: item[1]["role"]):
        members = list(group)
        turns.append(_Turn(role, members[-1][0], [block for item in members for block in _blocks_of(*item)]))
    return turns


def _all_blocks(body: Json) -> list[_Block]:
    return [block for item in enumerate(body["messages"]) for block in _blocks_of(*item)]


def _shape(body: Json) -> list[str]:
    """Check what the other rules take for granted."""
    found = [f"{name}: Field required" for name in ("model", "max_tokens", "messages") if name not in body]
    if found:
        return found
    if not isinstance(body["model"], str) or not body["model"]:
        found.append("model: String should have at least 1 character")
    if not isinstance(body["max_tokens"], int) or isinstance(body["max_tokens"], bool):
        found.append("max_tokens: Input should be a valid integer")
    elif body["max_tokens"] < 1:
        found.append("max_tokens: Input should be greater than or equal to 1")
    if not isinstance(body["messages"], list):
        return [*found, "messages: Input should be a valid list"]
    for name in ("tools", "system"):
        value = body.get(name, [])
        if not (name == "system" and isinstance(value, str)) and not _is_objects(value):
            found.append(f"{name}: Input should be a valid list")
    return found + [problem for item in enumerate(body["messages"]) for problem in _message_shape(*item)]


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _message_shape(index: int, message: object) -> Iterator[str]:
    if not isinstance(message, dict):
        yield f"messages.{index}: Input should be a valid dictionary"
        return
    if message.get("role") not in {"user", "assistant"}:
        yield f"messages.{index}.role: Input should be 'user' or 'assistant'"
    if "content" not in message:
        yield f"messages.{index}.content: Field required"
    elif not isinstance(message["content"], str) and not _is_objects(message["content"]):
        yield f"messages.{index}.content: Input should be a valid list"
    for name in message.keys() - {"role", "content"}:
        yield f"messages.{index}.{name}: Extra inputs are not permitted"


def _fields(body: Json) -> Iterator[str]:
    """Each block has its type's fields and no other."""
    for block in _all_blocks(body):
        if "type" not in block.value:
            yield f"{block.path}: Unable to extract tag using discriminator 'type'"
        elif block.kind in BLOCKS:
            required, optional = BLOCKS[block.kind]
            fields = block.value.keys() - {"type"}
            yield from (f"{block.path}.{block.kind}.{name}: Field required" for name in sorted(required - fields))
            extra = sorted(fields - required - optional)
            yield from (f"{block.path}.{block.kind}.{name}: Extra inputs are not permitted" for name in extra)


def _beginning(body: Json) -> Iterator[str]:
    """There is a message, and the first is the user's."""
    if not body["messages"]:
        yield "messages: at least one message is required"
    elif body["messages"][0]["role"] != "user":
        yield 'messages: first message must use the "user" role'


def _ending(body: Json) -> Iterator[str]:
    """The last message is the user's, or goes on after a `pause_turn`: newer models continue no text."""
    turns = _turns(body)
    if not turns or turns[-1].role != "assistant" or not turns[-1].blocks:
        return
    last = turns[-1].blocks[-1]
    if last.kind == "text" and (text := str(last.value.get("text"))) != text.rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"
    if not turns[-1].of("server_tool_use") and _refuses_prefill(body["model"]):
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def _refuses_prefill(model: str) -> bool:
    version = re.search(r"claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?", model)
    return version is not None and (int(version[1]), int(version[2] or 0)) >= (4, 6)


def _contents(body: Json) -> Iterator[str]:
    """No message is empty, except the last one where it is the assistant's."""
    messages = body["messages"]
    for index, message in enumerate(messages):
        if message["content"]:
            continue
        if message["role"] == "user":
            yield f"messages.{index}: user messages must have non-empty content"
        elif index < len(messages) - 1:
            yield (
                f"messages.{index}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )


def _texts(body: Json) -> Iterator[str]:
    """No text is empty or only whitespace."""
    system = body.get("system") or []
    for block in system if isinstance(system, list) else []:
        yield from _text(block, "system")
    for block in _all_blocks(body):
        if block.value.get("text") == "" and isinstance(body["messages"][block.message]["content"], str):
            continue  # an empty message, which has a sentence of its own
        yield from _text(block.value, "messages")
        yield from (problem for inner in _inner(block.value) for problem in _text(inner, "messages"))


def _text(block: Json, where: str) -> Iterator[str]:
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str):
        return
    if not text:
        yield f"{where}: text content blocks must be non-empty"
    elif not text.strip():
        yield f"{where}: text content blocks must contain non-whitespace text"


def _inner(block: Json) -> list[Json]:
    content = block.get("content")
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def _calls(body: Json) -> Iterator[str]:
    """Each call is the assistant's, has an id of its own, and is answered at the start of the next message."""
    ids = Counter(block.value.get("id") for block in _all_blocks(body) if block.kind == "tool_use")
    if any(count > 1 for count in ids.values()):
        yield "messages: `tool_use` ids must be unique"
    for block in _all_blocks(body):
        if block.kind == "tool_use":
            yield from _call(block, body["messages"][block.message]["role"])
    turns = _turns(body)
    for turn, following in zip(turns, [*turns, None][1:], strict=True):
        results = _leading_results(following) if following else set()
        missing = [str(call.value.get("id")) for call in turn.of("tool_use") if call.value.get("id") not in results]
        if missing:
            yield (
                f"messages.{turn.last}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )


def _call(block: _Block, role: str) -> Iterator[str]:
    if role != "assistant":
        yield f"messages.{block.message}: `tool_use` blocks can only be in `assistant` messages"
    if not isinstance(block.value.get("input", {}), dict):
        yield f"{block.path}.tool_use.input: Input should be a valid dictionary"
    if not re.fullmatch(r"[a-zA-Z0-9_-]+", str(block.value.get("id", "x"))):
        yield f"{block.path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,200}", str(block.value.get("name", "x"))):
        yield f"{block.path}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'"


def _leading_results(turn: _Turn) -> set[object]:
    ids = set()
    for block in turn.blocks:
        if block.kind != "tool_result":
            break
        ids.add(block.value.get("tool_use_id"))
    return ids


def _results(body: Json) -> Iterator[str]:
    """Each result is the user's and answers a call of the message before, once."""
    before: _Turn | None = None
    for turn in _turns(body):
        calls = {block.value.get("id") for block in before.of("tool_use")} if before else set()
        counts = Counter(block.value.get("tool_use_id") for block in turn.of("tool_result"))
        for block in turn.of("tool_result"):
            yield from _result(block, turn.role)
            if block.value.get("tool_use_id") not in calls:
                yield (
                    f"{block.path}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.value.get('tool_use_id')}. Each `tool_result` block must have a corresponding `tool_use` "
                    "block in the previous message."
                )
        for call_id in (call_id for call_id, count in counts.items() if count > 1):
            yield (
                f"messages.{turn.last}.content: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {call_id}"
            )
        before = turn


def _result(block: _Block, role: str) -> Iterator[str]:
    content = block.value.get("content")
    if role != "user":
        yield f"messages.{block.message}: `tool_result` blocks can only be in `user` messages"
    if content is not None and not isinstance(content, str) and not _is_objects(content):
        yield f"{block.path}.tool_result.content: Input should be a valid list"
    if block.value.get("is_error") and not content:
        yield f"{block.path}.tool_result: content cannot be empty if `is_error` is true"


def _thoughts(body: Json) -> Iterator[str]:
    """A thought has its signature, and where the scripted model signed it, still says what it said."""
    for block in _all_blocks(body):
        if block.kind != "thinking" or "signature" not in block.value:
            continue
        signature, thinking = str(block.value["signature"]), str(block.value.get("thinking"))
        if not signature or (signature.startswith(SIGNED) and signature != signature_of(thinking)):
            yield f"{block.path}: Invalid `signature` in `thinking` block"


def cached_parts(body: Json) -> Iterator[Json]:
    """Go through everything that may carry `cache_control`, in the order of the cache: tools, system, messages."""
    yield from body.get("tools") or []
    system = body.get("system") or []
    yield from system if isinstance(system, list) else []
    for block in _all_blocks(body):
        yield from _inner(block.value)
        yield block.value


def _breakpoints(body: Json) -> Iterator[str]:
    """At most four cache breakpoints, none on an empty text or a deferred tool, the longer-lived first."""
    marked = [part for part in cached_parts(body) if part.get("cache_control")]
    controls = [part["cache_control"] for part in [*marked, body] if part.get("cache_control")]
    if len(controls) > MAX_BREAKPOINTS:
        yield f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(controls)}."
    for part in marked:
        if part.get("type") == "text" and not part.get("text"):
            yield "cache_control cannot be set for empty text blocks"
        if part.get("defer_loading"):
            yield f"Tool '{part.get('name')}' cannot have both defer_loading=true and cache_control set."
    if any(control.get("type") != "ephemeral" or control.get("ttl", "5m") not in {"5m", "1h"} for control in controls):
        yield "cache_control: Input should be {'type': 'ephemeral'} with a ttl of '5m' or '1h'"
    lives = [control.get("ttl", "5m") for control in controls]
    if lives != sorted(lives):
        yield (
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are "
            "processed in the following order: `tools`, `system`, `messages`."
        )


RULES: tuple[Rule, ...] = (
    _fields,
    tools,
    _beginning,
    _contents,
    _texts,
    _calls,
    _results,
    _thoughts,
    _breakpoints,
    _ending,
)
