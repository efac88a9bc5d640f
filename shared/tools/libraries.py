"""The one place that imports the tools' libraries, fastmcp and mcp, for the first time."""

from __future__ import annotations

import threading

_LOCK = threading.Lock()


def import_fastmcp() -> None:
    """Import fastmcp, which runs the tools of the Imbi API; call this in a thread, since it takes a second.

    fastmcp imports mcp, and mcp's modules import one another in circles. When two threads import them at the same time
    on Python 3.13, each waits for the other's modules; Python breaks that deadlock by showing one thread a module that
    is only half run, and "cannot import name 'Server' from partially initialized module" costs a toolset its tools.
    """
    with _LOCK:
        from fastmcp import FastMCP  # noqa: F401, PLC0415  # slow, and only where tools are called
        from fastmcp.server.providers.openapi import OpenAPIProvider  # noqa: F401, PLC0415  # the same


def import_mcp() -> None:
    """Import mcp, the client of external servers, with our modules that use it; see `import_fastmcp`."""
    with _LOCK:
        import mcp.client.streamable_http  # noqa: F401, PLC0415  # slow, and only where servers are registered

        import shared.tools.mcp.connection  # noqa: F401, PLC0415  # imports more parts of mcp
