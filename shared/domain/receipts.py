"""Receipts: what a tool call changed in the Imbi API, and what is needed to take it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from pydantic import JsonValue

JsonObject: TypeAlias = "dict[str, JsonValue]"
ReceiptKind: TypeAlias = Literal["changed", "created", "removed"]


@dataclass(frozen=True, slots=True)
class ThingAddress:
    """The place of a thing in the API: its path with `{}` for each parameter, and the parameters' values in order."""

    shape: str
    values: tuple[JsonValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReceipt:
    """The part of a receipt that clients see."""

    id: str
    kind: ReceiptKind
    path: str
    changes: tuple[JsonObject, ...] = ()
    left_out: int = 0
    can_be_undone: bool = False
    undoes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What one call changed.

    `before` and `after` are the thing as the API showed it, with a mark in place of each secret. `before` means nothing
    for a created thing, and `after` means nothing for a removed one.
    """

    id: str
    kind: ReceiptKind
    operation: str
    """The name of the operation's tool."""
    method: str
    path: str
    """The path of the thing, with its values, after the call."""
    address: ThingAddress
    before: JsonValue = None
    after: JsonValue = None
    changes: tuple[JsonObject, ...] = ()
    """The first differences, each with a JSON Pointer (RFC 6901) as `path`; `before` or `after` is missing where there
    was no value, and both are missing where `is_secret` is true."""
    left_out: int = 0
    """The number of differences that are not among the changes."""
    secret_changes: tuple[str, ...] = ()
    """JSON Pointers of secrets that differ. The receipt does not hold their values."""
    written: tuple[str, ...] = ()
    """The names of the fields that the call wrote, as its request named them."""
    undoes: str = ""
    """The id of the receipt that this call took back."""
    undone_by: str = ""
    """The id of the receipt of the call that took this one back."""
    obstacle: str = ""
    """The reason why the change cannot be undone; empty if it can."""
    call_id: str = ""

    def of_call(self, call_id: str) -> Receipt:
        """Return the receipt with the id of its call."""
        return replace(self, call_id=call_id)

    def shown(self) -> ShownReceipt:
        """Return the part that clients see."""
        return ShownReceipt(
            id=self.id,
            kind=self.kind,
            path=self.path,
            changes=self.changes,
            left_out=self.left_out,
            can_be_undone=not self.obstacle,
            undoes=self.undoes,
        )


def new_receipt_id() -> str:
    """Return an id that the model can repeat without a mistake."""
    return token_hex(6)


class ReceiptStore(Protocol):
    """The stored receipts of all users. A receipt of another user is treated as missing."""

    async def get(self, receipt_id: str, subject: str) -> Receipt | None:
        """Return a receipt, or None if the user has none with this id."""
        ...

    async def claim(self, receipt_id: str, subject: str, by: str) -> bool:
        """Mark a receipt as undone by another one; return False if it is marked already."""
        ...

    async def release(self, receipt_id: str, subject: str, by: str) -> None:
        """Remove the mark, because the change was not undone."""
        ...
