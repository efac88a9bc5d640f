"""The facts about calls of external tools."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from shared.domain.call_facts import CallFacts
from shared.tools.mcp.changes import fingerprint
from shared.tools.mcp.hints import effect_of

if TYPE_CHECKING:
    from shared.domain.models import MCPServer
    from shared.tools.mcp.definitions import ExternalTool


def facts_of(name: str, tool: ExternalTool, server: MCPServer, *, is_changed: bool = False) -> CallFacts:
    """Describe a call of a tool that the model knows by a name.

    The operation contains a hash of the tool's definition: a tool that says something else is another operation.
    """
    definition = sha256(b"".join(fingerprint(tool))).hexdigest()
    return CallFacts(
        name=name,
        source=f"mcp:{server.slug}",
        effect=effect_of(tool.hints, is_trusted=server.trusted),
        operation=f"{tool.name} {definition} at {server.url}",
        title=tool.name,
        is_trusted=server.trusted,
        is_changed=is_changed,
    )
