"""The one place that imports the tools' libraries, fastmcp and mcp, for the first time."""

from __future__ import annotations

import threading

_LOCK = threading.Lock()


def import_tool_libraries() -> None:
    """Import fastmcp and mcp; call this in a thread before any other import of them, as it takes seconds.

    fastmcp imports mcp, and mcp's modules import one another in circles. When two threads import them at the same time
    on Python 3.13, each waits for the other's modules; Python breaks that deadlock by showing one thread a module that
    is only half run, and "cannot import name 'Server' from partially initialized module" costs a toolset its tools.
    """
    with _LOCK:
        import mcp.client.streamable_http  # noqa: F401, PLC0415  # slow, and only where tools are called
        from fastmcp import FastMCP  # noqa: F401, PLC0415  # the same
        from fastmcp.server.providers.openapi import OpenAPIProvider  # noqa: F401, PLC0415  # the same
