"""Actions: operations such as `POST /projects/{id}/archive`, which change the thing above them, and their opposites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.receipts import ThingAddress
from shared.tools.openapi.things import needs_only_path, shape_of

if TYPE_CHECKING:
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.things import Things

_METHODS = ("post", "put")
_PARAMETER = "{}"
_OPPOSITES = (
    ("archive", "unarchive"),
    ("archive", "restore"),
    ("archive", "dearchive"),
    ("enable", "disable"),
    ("activate", "deactivate"),
    ("lock", "unlock"),
    ("publish", "unpublish"),
    ("pause", "resume"),
    ("pause", "unpause"),
    ("suspend", "resume"),
    ("suspend", "unsuspend"),
    ("freeze", "unfreeze"),
    ("deprecate", "undeprecate"),
    ("hide", "unhide"),
    ("hide", "show"),
    ("pin", "unpin"),
    ("star", "unstar"),
    ("mute", "unmute"),
    ("acknowledge", "unacknowledge"),
    ("resolve", "reopen"),
    ("close", "reopen"),
    ("close", "open"),
)
"""Names of actions of which each takes back what the other did."""


def thing_of_action(things: Things, operation: Operation, address: ThingAddress) -> ThingAddress | None:
    """Return the place of the thing that a call acts on; None if its operation is no action on one thing.

    `address` is the place of the call. The thing can be read, and at the action's own place nothing can: that would be
    a part of the thing or a collection of its parts.
    """
    shape, _, name = address.shape.rpartition("/")
    if operation.method not in _METHODS or name == _PARAMETER or not shape.endswith(f"/{_PARAMETER}"):
        return None
    if things.find("get", address.shape) or things.element_of(address.shape) or not things.readable(shape):
        return None
    return ThingAddress(shape, address.values)


def is_action(operation: Operation, address: ThingAddress) -> bool:
    """Return whether an operation that changed the thing at a place was an action on it."""
    return shape_of(operation.path).rpartition("/")[0] == address.shape


def opposite(things: Things, operation: Operation) -> Operation | None:
    """Return the operation that takes back what an action did, if there is one that needs nothing but the thing."""
    shape, _, name = shape_of(operation.path).rpartition("/")
    others = [other for pair in _OPPOSITES if name in pair for other in pair if other != name]
    found = (things.find(operation.method, f"{shape}/{other}") for other in others)
    return next((each for each in found if each is not None and needs_only_path(each)), None)
