"""The rules about content blocks: their fields, and that none is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.request import blocks, inner_blocks, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

FIELDS_OF_TYPE: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
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
        ("tool_removal", "tool", "cache_control"),
        ("tool_addition", "tool", "cache_control"),
    )
}
"""Required and optional fields by type; a type that is not here passes, because each release adds some."""


def block_fields(body: Body) -> Iterator[str]:
    """Each block has its type's fields and no other. Page: the Messages API's reference."""
    for block in blocks(body):
        if "type" not in block.value:
            yield f"{block.path}: Unable to extract tag using discriminator 'type'"
        elif block.kind in FIELDS_OF_TYPE:
            required, optional = FIELDS_OF_TYPE[block.kind]
            fields = block.value.keys() - {"type"}
            yield from (f"{block.path}.{block.kind}.{name}: Field required" for name in sorted(required - fields))
            extra = sorted(fields - required - optional)
            yield from (f"{block.path}.{block.kind}.{name}: Extra inputs are not permitted" for name in extra)


def contents(body: Body) -> Iterator[str]:
    """No message is empty, except the last one where it is the assistant's. No page says it; the API's errors do."""
    messages = body["messages"]
    for index, message in enumerate(messages):
        if message["content"]:
            continue
        if message["role"] == "user":
            yield f"messages.{index}: user messages must have non-empty content"
        elif message["role"] == "system":
            if not message.get("output_config"):
                yield f"messages.{index}: system messages must have non-empty content"
        elif index < len(messages) - 1:
            yield (
                f"messages.{index}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )


def texts(body: Body) -> Iterator[str]:
    """No text block is empty or only whitespace. No page says it; the API's errors do."""
    for block in blocks(body):
        if block.value.get("text") == "" and isinstance(body["messages"][block.message]["content"], str):
            continue  # `contents` reports an empty message
        yield from check_text(block.value, "messages")
        yield from (problem for inner in inner_blocks(block.value) for problem in check_text(inner, "messages"))


def check_text(block: Body, where: str) -> Iterator[str]:
    """Check one text block; `where` names its place in the error."""
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str):
        return
    if not text:
        yield f"{where}: text content blocks must be non-empty"
    elif not text.strip():
        yield f"{where}: text content blocks must contain non-whitespace text"
