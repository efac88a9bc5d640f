"""The plan of an undo: the operation that puts back what a receipt holds, with its arguments, or the obstacle to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.errors import ToolError
from shared.domain.receipts import ThingAddress
from shared.tools.openapi.actions import is_action, opposite
from shared.tools.openapi.arguments import read_arguments
from shared.tools.openapi.parameters import BODY
from shared.tools.openapi.things import path_arguments
from shared.tools.receipts.differences import deliberate
from shared.tools.receipts.hiding import has_hidden, is_secret_name
from shared.tools.undo.bodies import Obstacle, new_body, patch_body, put_body
from shared.tools.undo.write_names import fields_to_restore

if TYPE_CHECKING:
    from shared.domain.models import JsonObject
    from shared.domain.receipts import Receipt
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.things import Things

__all__ = ["Obstacle", "UndoPlan", "plan_undo"]

_LOSSES = "its id if the API chose it, its history, and what belonged to it are not restored"


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """One call of an operation; `loss` is a clause about what it does not bring back."""

    operation: Operation
    arguments: JsonObject
    loss: str = ""


def plan_undo(receipt: Receipt, things: Things) -> UndoPlan:
    """Plan the undo of a receipt. The plan is the same whenever it is made on the same document.

    Raises:
        Obstacle: it cannot be undone; the message is a clause that says why.
    """
    if receipt.obstacle:
        raise Obstacle(receipt.obstacle)
    if receipt.kind == "created":
        return _deletion(receipt, things)
    return _restoration(receipt, things) if receipt.kind == "removed" else _change(receipt, things)


def _deletion(receipt: Receipt, things: Things) -> UndoPlan:
    operation = things.find("delete", receipt.address.shape)
    if operation is None:
        raise Obstacle("the API has no operation that deletes it")
    return UndoPlan(operation, _arguments(operation, receipt.address, {}))


def _change(receipt: Receipt, things: Things) -> UndoPlan:
    if receipt.secret_changes:
        raise Obstacle(f"a secret was changed, which no receipt holds: {', '.join(receipt.secret_changes[:3])}")
    action = things.named(receipt.operation)
    if action is not None and is_action(action, receipt.address):
        return _reversal(action, receipt, things)
    shape = receipt.address.shape
    writable = things.writable(shape)
    found = deliberate(receipt.before, receipt.after, writable | set(receipt.written))
    fields = fields_to_restore(found, receipt, writable)
    obstacles = []
    for method, make in (("patch", patch_body), ("put", put_body)):
        operation = things.find(method, shape)
        if operation is None:
            continue
        try:
            return UndoPlan(operation, _arguments(operation, receipt.address, make(operation, receipt, fields)))
        except Obstacle as obstacle:
            obstacles.append(str(obstacle))
    raise Obstacle(obstacles[0] if obstacles else "the API has no operation that changes it back")


def _reversal(action: Operation, receipt: Receipt, things: Things) -> UndoPlan:
    """Plan the opposite of an action. To write the fields back could leave undone whatever else the action did."""
    operation = opposite(things, action)
    if operation is None:
        raise Obstacle(f"the API has no operation that reverses {action.definition.name}")
    return UndoPlan(operation, _arguments(operation, receipt.address, {}))


def _restoration(receipt: Receipt, things: Things) -> UndoPlan:
    """Plan to make a removed thing again, in its collection or at its own path."""
    if has_hidden(receipt.before):
        raise Obstacle("it held a secret, which no receipt holds")
    address = receipt.address
    places = [
        ("post", ThingAddress(shape, address.values[: shape.count("{}")]))
        for shape in things.collections_of(address.shape)
    ]
    obstacles = []
    for method, place in [*places, ("put", address)]:
        operation = things.find(method, place.shape)
        if operation is None:
            continue
        try:
            _check_no_secret(operation)
            return UndoPlan(operation, _arguments(operation, place, new_body(operation, receipt)), _LOSSES)
        except Obstacle as obstacle:
            obstacles.append(str(obstacle))
    raise Obstacle(obstacles[0] if obstacles else "the API has no operation that makes it again")


def _check_no_secret(operation: Operation) -> None:
    """Refuse to make a thing again that may have had a secret which the API never shows."""
    for argument in operation.arguments.values():
        if argument.location == BODY and is_secret_name(argument.wire_name):
            raise Obstacle(f"it may have had a secret that the API does not show ({argument.wire_name})")


def _arguments(operation: Operation, address: ThingAddress, body: JsonObject) -> JsonObject:
    arguments = {**path_arguments(operation, address), **body}
    missing = [name for name, each in operation.arguments.items() if each.is_required and name not in arguments]
    if missing:
        raise Obstacle(f"{operation.definition.name} needs {', '.join(missing)}, which the receipt does not hold")
    try:
        read_arguments(operation, arguments)
    except ToolError as error:
        raise Obstacle(f"the API shows a value in another form than it takes: {str(error).rstrip('.')}") from error
    return arguments
