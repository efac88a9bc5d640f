"""The present states of things whose change has an unknown outcome."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeAlias

from shared.domain.call_facts import IMBI_API
from shared.domain.content_blocks import text_of
from shared.tools.results.redaction import without_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.domain.models import Caller, JsonObject
    from shared.domain.ports import ToolOutput

ReadState: TypeAlias = "Callable[[str, str, Caller], Awaitable[ToolOutput | None]]"
"""Gets a path of the Imbi API, given its template and itself, with a caller's rights."""

log = logging.getLogger(__name__)

_SECONDS = 3.0
_MAX_CHARS = 3_000
_MAX_READS = 5


async def present_states(read: ReadState, records: Sequence[JsonObject], caller: Caller) -> list[str | None]:
    """Read the things that calls of the Imbi API changed, at the calls' own paths; None where that is not possible."""
    states = await asyncio.gather(*(_state(read, record, caller) for record in records[:_MAX_READS]))
    return [*states, *[None] * (len(records) - len(states))]


async def _state(read: ReadState, record: JsonObject, caller: Caller) -> str | None:
    template, path = record.get("path_template"), record.get("path")
    if record.get("source") != IMBI_API or not isinstance(template, str) or not isinstance(path, str):
        return None
    try:
        async with asyncio.timeout(_SECONDS):
            output = await read(template, path, caller)
    except Exception as error:  # noqa: BLE001  # a state that cannot be read is only missing
        log.warning("the present state of %s could not be read: %s", template, type(error).__name__)
        return None
    if output is None:
        return None
    content = output.content if isinstance(output.content, str) else text_of(output.content)
    text = without_secret(content, caller.token)
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}… (shortened)"
