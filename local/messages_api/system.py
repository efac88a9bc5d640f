"""The rules about the system prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.messages_api.blocks import check_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body


def system_blocks(body: Body) -> list[Body]:
    """Return the blocks of the system prompt; a plain string has none that carries `cache_control`."""
    system = body.get("system") or []
    return system if isinstance(system, list) else []


def system_texts(body: Body) -> Iterator[str]:
    """No text block of the system prompt is empty or only whitespace. No page says it; the API's errors do."""
    for block in system_blocks(body):
        yield from check_text(block, "system")
