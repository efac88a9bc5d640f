"""The observation of one changing call: the thing before it and after it, and the receipt of what it changed."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.domain.receipts import Receipt, ThingAddress, new_receipt_id
from shared.tools.openapi.actions import thing_of_action
from shared.tools.openapi.parameters import BODY
from shared.tools.openapi.sight import ABSENT_THING, UNKNOWN, document_of
from shared.tools.openapi.things import address_of, element_address, path_arguments
from shared.tools.receipts.differences import deliberate, listed, tokens_of
from shared.tools.receipts.hiding import hidden, secret_differences
from shared.tools.undo.plan import Obstacle, plan_undo
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.tools.openapi.arguments import Values
    from shared.tools.openapi.client import ApiResponse
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.sight import Sight, ThingReader

_MAYBE_OLD = "the API did not say whether it made something new or changed something that existed"
_PAGE_SIZES = frozenset({10, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1000})
_PAGING = ("next", "next_cursor", "cursor", "next_page", "has_more", "next_page_token", "nextCursor")


class Observation:
    """Watches one call of an operation that changes something.

    `before` is called before the request is sent, and `after` when its response has come or it has failed. Both read at
    most one thing in the usual case, and neither ever fails.
    """

    def __init__(self, reader: ThingReader, operation: Operation, values: Values) -> None:
        self._reader = reader
        self._operation = operation
        self._things = reader.snapshot.things
        self._sent = _body_of(values)
        place = address_of(operation, values)
        self.address = thing_of_action(self._things, operation, place) or place
        self._element = self._things.element_of(place.shape) if operation.method == "post" else None
        self._expected: ThingAddress | None = None
        self._before: Sight = UNKNOWN
        self._listing: Sight = UNKNOWN

    @property
    def makes_element(self) -> bool:
        """Whether the call probably makes an element of a collection."""
        return self._element is not None

    async def before(self, known: Sight | None = None) -> None:
        """Read the thing as it is; `known` is a reading that was just made."""
        if known is not None:
            self._before = known
        elif self._element is None:
            self._before = await self._reader.read(self.address)
        elif not self._promises_new():
            self._expected = element_address(self._element, self.address, [self._sent])
            if self._expected is not None:
                self._before = await self._reader.read(self._expected)
            else:
                self._listing = await self._reader.read(self.address)

    async def after(self, response: ApiResponse | None) -> Receipt | None:
        """Read the thing again and return the receipt; None if nothing is known to have changed."""
        if response is not None and HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        if self._element is not None:
            return await self._of_element(self._element, response)
        if self._before.state == "unknown":
            return None
        address, after = self.address, await self._reader.read(self.address)
        if after.state == "absent" and self._operation.method != "delete" and response is not None:
            address, after = await self._moved(response) or (address, after)
        return await self._compared(address, self._before, after)

    def _promises_new(self) -> bool:
        return self._operation.statuses == {"201"}

    async def _of_element(self, reading: Operation, response: ApiResponse | None) -> Receipt | None:
        if response is None or not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        answered = document_of(response)
        address = element_address(reading, self.address, [answered, self._sent], response.location)
        if address is None:
            return None
        after = await self._reader.read(address)
        if response.status == HTTPStatus.CREATED:
            before: Sight = ABSENT_THING
        elif address == self._expected and self._before.state != "unknown":
            before = self._before
        else:
            is_new = _lacks(self._listing, address.values[-1])
            receipt = await self._compared(address, ABSENT_THING, after)
            return receipt if is_new or receipt is None else replace(receipt, obstacle=_MAYBE_OLD)
        return await self._compared(address, before, after)

    async def _moved(self, response: ApiResponse) -> tuple[ThingAddress, Sight] | None:
        """Find a thing at its new path, after a change of the name that the path contains."""
        reading = self._things.readable(self.address.shape)
        parent = ThingAddress(self.address.shape.rpartition("/")[0], self.address.values[:-1])
        documents = [document_of(response), self._sent]
        address = element_address(reading, parent, documents) if reading and self.address.values else None
        if address is None or address == self.address:
            return None
        after = await self._reader.read(address)
        return (address, after) if after.state == "present" else None

    async def _compared(self, address: ThingAddress, before: Sight, after: Sight) -> Receipt | None:
        return await run_sized(before.size + after.size, self._receipt, address, before, after)

    def _receipt(self, address: ThingAddress, before: Sight, after: Sight) -> Receipt | None:
        if "unknown" in (before.state, after.state) or before.state == after.state == "absent":
            return None
        kind = "created" if before.state == "absent" else "removed" if after.state == "absent" else "changed"
        snapshot, token = self._reader.snapshot, self._reader.caller.token
        shown = [hidden(sight.document, snapshot.secret_names, token) for sight in (before, after)]
        secrets: tuple[str, ...] = ()
        found = []
        if kind == "changed":
            secrets = secret_differences(before.document, after.document, *shown)
            found = deliberate(shown[0], shown[1], self._things.writable(address.shape) | set(self._written()))
            if not found and not secrets:
                return None
        changes, left_out = listed(found, secrets)
        receipt = Receipt(
            id=new_receipt_id(),
            kind=kind,  # type: ignore[arg-type]  # one of the three
            operation=self._operation.definition.name,
            method=self._operation.method.upper(),
            path=_path(snapshot.things.readable(address.shape), address),
            address=address,
            before=shown[0],
            after=shown[1],
            changes=changes,
            left_out=left_out,
            secret_changes=secrets,
            written=self._written(),
        )
        try:
            plan_undo(receipt, self._things)
        except Obstacle as obstacle:
            return replace(receipt, obstacle=str(obstacle))
        return receipt

    def _written(self) -> tuple[str, ...]:
        """Return the names of the fields that the request wrote."""
        if isinstance(self._sent, dict):
            return tuple(self._sent)
        steps = self._sent if isinstance(self._sent, list) else []
        paths = [step.get(key) for step in steps if isinstance(step, dict) for key in ("path", "from")]
        return tuple(dict.fromkeys(tokens_of(path)[0] for path in paths if isinstance(path, str) and tokens_of(path)))


def _body_of(values: Values) -> JsonValue:
    """Return the body of a call as one document."""
    of_body = [(argument, value) for argument, value in values.of_arguments if argument.location == BODY]
    if len(of_body) == 1 and of_body[0][0].wire_name == BODY:
        return of_body[0][1]
    return {argument.wire_name: value for argument, value in of_body} | values.other_fields


def _lacks(listing: Sight, identifier: JsonValue) -> bool:
    """Return whether a list is complete and has no element with an identifier."""
    elements = listing.document
    if isinstance(elements, dict):
        if any(elements.get(name) for name in _PAGING):
            return False
        elements = next((value for value in elements.values() if isinstance(value, list)), None)
    if not isinstance(elements, list) or len(elements) in _PAGE_SIZES:
        return False
    values = [value for each in elements for value in (each.values() if isinstance(each, dict) else [each])]
    return all(str(value) != str(identifier) for value in values)


def _path(reading: Operation | None, address: ThingAddress) -> str:
    if reading is None:
        return address.shape
    path = reading.path
    for name, value in path_arguments(reading, address).items():
        path = path.replace(f"{{{reading.arguments[name].wire_name}}}", str(value))
    return path
