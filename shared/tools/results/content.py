"""A call's output as the content of its result for the model: small, safe, short enough, and with its receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.receipts.notice import with_notice
from shared.tools.results.prune import prune_json
from shared.tools.results.redaction import without_secret
from shared.tools.results.sanitize import sanitize, size_of, truncate_blocks
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from shared.domain.models import Caller, JsonObject
    from shared.domain.ports import ToolOutput
    from shared.tools.results.store import ResultStore


async def content_for_model(
    call_id: str, output: ToolOutput, caller: Caller, results: ResultStore, limit: int
) -> str | list[JsonObject]:
    """Make an output small and safe, cut it where it is longer than `limit`, and add the line about its receipt.

    The model can read on in a cut text. The line is never cut, because the model needs it to undo the change.
    """
    content = await run_sized(size_of(output.content), _prepared, output, caller.token)
    if not output.is_cut:
        if isinstance(content, list):
            content = truncate_blocks(content, limit)
        else:
            content = await results.cut(caller.principal.subject, call_id, content, limit)
    return with_notice(content, output.receipt) if output.receipt else content


def _prepared(output: ToolOutput, token: str) -> str | list[JsonObject]:
    """Prune JSON, and remove the caller's token and characters that cannot be stored."""
    content = sanitize(output.content)
    if isinstance(content, str):
        return without_secret(content if output.is_cut else prune_json(content), token)
    return [
        {**block, "text": without_secret(str(block["text"]), token)} if block.get("type") == "text" else block
        for block in content
    ]
