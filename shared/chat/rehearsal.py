"""The parts of a first answer that need no user and no secret, done in advance for a snapshot of the process."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING

from shared.chat.assembly import api_tools, model_client
from shared.domain.models import Principal
from shared.tools.libraries import import_fastmcp, import_mcp

if TYPE_CHECKING:
    from shared.settings import Settings

_IMPORTED_BY_CALLS = ("fastmcp.server.elicitation", "fastmcp.server.providers.prefab_payload")
"""Modules that FastMCP imports when a tool runs for the first time."""
_ANYBODY = Principal("anybody@example.com", "Anybody", is_admin=True)


async def rehearse(settings: Settings) -> None:
    """Import the tools' libraries, and read the API's document; its tools are kept by the document's hash.

    Raises:
        ToolError: the document cannot be read.
    """
    await asyncio.to_thread(import_mcp)
    await asyncio.to_thread(import_fastmcp)
    for name in _IMPORTED_BY_CALLS:
        import_module(name)
    if settings.provider != "anthropic":
        import_module("boto3")
    async with aclosing(model_client(settings)), aclosing(api_tools(settings)) as tools:
        await tools.load()
        tools.definitions(_ANYBODY)
        await tools.build_engine()
