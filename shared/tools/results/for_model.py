"""A tool's output as content for the model: small, safe, cut where it is too long, and with its receipt."""

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
    output: ToolOutput, caller: Caller, call_id: str, results: ResultStore, limit: int
) -> str | list[JsonObject]:
    """Return the content of a call's result with at most `limit` characters; the model can read on in a cut result."""
    content = await run_sized(size_of(output.content), _prepared, output, caller.token)
    if output.is_cut:
        return content
    if isinstance(content, list):
        content = truncate_blocks(content, limit)
    else:
        content = await results.cut(caller.principal.subject, call_id, content, limit)
    # The line about the receipt is never cut, because the model needs it to undo the change.
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
