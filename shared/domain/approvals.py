"""Approvals: tool calls that wait for the user's decision, as clients see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

APPROVAL_REQUIRED = "approval_required"
"""The stop reason of an answer that ended because its calls wait for an approval."""

UserDecision: TypeAlias = Literal["approve", "reject"]
Verdict: TypeAlias = Literal["approve", "reject", "replaced", "expired"]
"""How an approval ended. It is `replaced` if the user sent another message instead of a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCall:
    """A call that the user is asked about."""

    id: str
    name: str
    input: JsonObject
    method: str | None
    path: str | None
    changes: tuple[JsonObject, ...] = ()
    """Objects with a JSON pointer `path`, and `before` and `after` where they are known."""
    source: str = ""
    operation: str = ""
    """The operation's name for people."""
    undoes: bool = False
    """Whether the call takes back an earlier change."""
    options: tuple[str, ...] = ()
    """What the request has besides its path and its body, as `name=value`."""

    def for_clients(self) -> JsonObject:
        """Return the call as the event and the conversation contain it."""
        return {
            "id": self.id,
            "name": self.name,
            "input": self.input,
            "method": self.method,
            "path": self.path,
            "changes": [*self.changes],
        }


@dataclass(frozen=True, slots=True)
class Review:
    """The calls of a reply of which at least one asks: what the user sees, and the digest that an approval binds.

    The digest is a hash of the name, the input, the operation and the server of every call.
    """

    digest: str
    asked: tuple[AskedCall, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval that the user has given for the calls of a digest."""

    approval_id: str
    digest: str
