"""The things that an API's paths lead to, and the operations that read, make, change and remove each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from shared.domain.receipts import ThingAddress
from shared.tools.openapi.parameters import BODY, PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.openapi.arguments import Values
    from shared.tools.openapi.operation import Operation

_PARAMETER = "{}"
_CHANGES = ("delete", "patch", "put")
_MOST_PARAMETERS = 3
"""The parameters at the end of a path that together name one element of a collection."""


class Things:
    """The operations of one document by the places that they are about.

    Two paths lead to the same place if they differ only in the names of parameters or in a slash at the end.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._at: dict[tuple[str, str], Operation] = {}
        self._named: dict[str, Operation] = {}
        for operation in operations:
            self._named[operation.definition.name] = operation
            self._at.setdefault((operation.method, shape_of(operation.path)), operation)

    def find(self, method: str, shape: str) -> Operation | None:
        """Return the operation with a method at a place."""
        return self._at.get((method, shape))

    def named(self, tool: str) -> Operation | None:
        """Return the operation of a tool."""
        return self._named.get(tool)

    def readable(self, shape: str) -> Operation | None:
        """Return the operation that reads the thing at a place by its path alone."""
        operation = self.find("get", shape)
        return operation if operation is not None and needs_only_path(operation) else None

    def element_of(self, shape: str) -> Operation | None:
        """Return the operation that reads an element of the collection at a place.

        Where several paths might lead to elements, an element that can be changed or deleted is preferred.
        """
        readable = [each for each in _elements(shape) if self.readable(each)]
        changeable = [each for each in readable if any(self.find(method, each) for method in _CHANGES)]
        return self.readable([*changeable, *readable][0]) if readable else None

    def collections_of(self, shape: str) -> Iterator[str]:
        """Yield the places of the collections that may contain the thing at a place, the nearest first."""
        for _ in range(_MOST_PARAMETERS):
            shape, separator, last = shape.rpartition("/")
            if not separator or last != _PARAMETER:
                return
            yield shape

    def writable(self, shape: str) -> frozenset[str]:
        """Return the names of the fields that operations write into the thing at a place, as far as they are known."""
        operations = [self.find(method, shape) for method in ("patch", "put")]
        operations += [self.find("post", collection) for collection in self.collections_of(shape)]
        return frozenset(name for operation in operations if operation for name in body_fields(operation))


def shape_of(path: str) -> str:
    """Return a path template without the names of its parameters and without a slash at its end."""
    return PLACEHOLDER.sub(_PARAMETER, path.rstrip("/"))


def _elements(shape: str) -> Iterator[str]:
    return (shape + f"/{_PARAMETER}" * count for count in range(1, _MOST_PARAMETERS + 1))


def body_fields(operation: Operation) -> tuple[str, ...]:
    """Return the names of the fields of an operation's body; there are none where the body is one value."""
    if operation.body is None or not operation.body.has_fields:
        return ()
    return tuple(each.wire_name for each in operation.arguments.values() if each.location == BODY)


def needs_only_path(operation: Operation) -> bool:
    """Return whether an operation can be called with the values of its path alone."""
    return all(each.location == "path" for each in operation.arguments.values() if each.is_required)


def address_of(operation: Operation, values: Values) -> ThingAddress:
    """Return the place that a call is about."""
    given = {argument.wire_name: value for argument, value in values.of_arguments if argument.location == "path"}
    return ThingAddress(shape_of(operation.path), tuple(given.get(name) for name in _names(operation.path)))


def path_arguments(operation: Operation, address: ThingAddress) -> JsonObject:
    """Return the arguments that lead an operation to a place."""
    by_name = dict(zip(_names(operation.path), address.values, strict=False))
    return {
        name: by_name[argument.wire_name]
        for name, argument in operation.arguments.items()
        if argument.location == "path" and argument.wire_name in by_name
    }


def element_address(
    reading: Operation, collection: ThingAddress, documents: Sequence[JsonValue], location: str = ""
) -> ThingAddress | None:
    """Return the place of an element of a collection, from documents about it and a `Location` (RFC 9110).

    The values are looked for in the documents under the names of the path's parameters, then under usual names.
    """
    names = _names(reading.path)[len(collection.values) :]
    values: list[JsonValue] = [*_from_location(reading, collection, location)]
    values = values or [_identifier(name, documents) for name in names]
    if None in values or len(values) != len(names):
        return None
    return ThingAddress(shape_of(reading.path), (*collection.values, *values))


def _from_location(reading: Operation, collection: ThingAddress, location: str) -> list[str]:
    """Read the values at the end of a Location that leads to an element."""
    template = shape_of(reading.path).split("/")
    parts = urlsplit(location).path.rstrip("/").split("/")
    count = len(_names(reading.path)) - len(collection.values)
    static = [part for part in template[1:-count] if part != _PARAMETER][-1:]
    if not location or len(parts) <= count or (static and static[0] not in parts[:-count]):
        return []
    return [unquote(part) for part in parts[-count:]]


def _identifier(name: str, documents: Sequence[JsonValue]) -> str | int | None:
    short = name.rpartition("_")[2]
    for document in documents:
        for each in _objects(document):
            for key in dict.fromkeys((name, short, "id", "slug", "key", "name")):
                value = each.get(key)
                if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                    return value
    return None


def _objects(document: JsonValue) -> list[Mapping[str, JsonValue]]:
    """Return a document, and what is inside where an envelope holds nothing else, such as `{"data": {…}}`."""
    found: list[Mapping[str, JsonValue]] = []
    while isinstance(document, dict):
        found.append(document)
        inner = [value for value in document.values() if isinstance(value, dict)]
        document = inner[0] if len(document) == 1 and inner else None
    return found


def _names(path: str) -> list[str]:
    return PLACEHOLDER.findall(path)
