"""The HTTP connections to one external server, kept from one listing or call to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.util.connections import KeptConnections
from shared.util.response_bodies import ResponseBodies

if TYPE_CHECKING:
    import httpx2

    from shared.tools.mcp.egress import Network
    from shared.util.response_bodies import ResponseBody

_MAX_CONNECTIONS = 256
"""The number of connections to one server. Each call uses at most a few."""


class ServerConnections:
    """The connections to one server. The address of each was checked when it was opened."""

    def __init__(self, network: Network, *, verify: bool) -> None:
        """Prepare without any input or output; `verify` says whether certificates are verified."""
        self.transport = KeptConnections(lambda: network.transport(verify=verify), _MAX_CONNECTIONS)
        self._bodies = ResponseBodies()

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the body of the response has not been read."""
        return await self.transport.handle_async_request(request)

    def body_of(self, response: httpx2.Response) -> ResponseBody:
        """Begin to read the body of a response."""
        return self._bodies.open(response)

    def discard(self, response: httpx2.Response) -> None:
        """Leave the body of a response unread."""
        self._bodies.discard(response)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._bodies.aclose()
        await self.transport.aclose()
