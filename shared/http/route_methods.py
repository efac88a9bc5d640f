"""The methods of all routes that are functions under Lambda, for applications of one route.

An API Gateway sends the OPTIONS requests of all paths to one function, which has its own route only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

_CONVERSATION = "/conversations/{conversation_id}"
METHODS: Mapping[str, tuple[str, ...]] = {
    "/conversations": ("GET", "POST"),
    _CONVERSATION: ("GET", "PATCH", "DELETE"),
    f"{_CONVERSATION}/export": ("GET",),
    f"{_CONVERSATION}/messages": ("POST",),
    f"{_CONVERSATION}/approvals/{{approval_id}}": ("POST",),
    f"{_CONVERSATION}/stop": ("POST",),
    f"{_CONVERSATION}/stream": ("GET",),
    f"{_CONVERSATION}/messages/{{message_id}}/feedback": ("PUT", "DELETE"),
    "/feedback": ("GET",),
    "/audit": ("GET",),
    "/usage": ("GET",),
    "/users/{email}/conversations": ("DELETE",),
    "/status": ("GET",),
}
"""The methods of each path below that of the public URL, without HEAD and OPTIONS."""
_BARE = ("/status",)
"""The paths that are also served without the path of the public URL."""


def all_routes(prefix: str) -> list[Route]:
    """Return all routes below a prefix. They tell paths and methods, and handle nothing."""
    found = [Route(f"{prefix}{path}", _handle, methods=list(methods)) for path, methods in METHODS.items()]
    return found + [Route(path, _handle, methods=list(METHODS[path])) for path in _BARE if prefix]


async def _handle(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Stand for a handler, which a route must have."""
