"""The bodies of the requests that put a thing back as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.openapi.media_types import base_of
from shared.tools.openapi.parameters import BODY
from shared.tools.receipts.differences import Absent, is_same, is_set_by_server, pointer_of
from shared.tools.receipts.hiding import has_hidden, is_secret_name
from shared.tools.undo.write_names import value_to_write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.domain.receipts import Receipt
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.parameters import Argument
    from shared.tools.receipts.differences import Value

_MERGE = "application/merge-patch+json"
_SET_AT_CREATION = frozenset({"id", "uuid", "created_at", "created_by", "self", "href", "url", "_links", "links_self"})
"""Fields that an API sets by itself when it makes a thing."""


class Obstacle(Exception):
    """Something cannot be undone; the message is a clause that says why."""


def patch_body(operation: Operation, receipt: Receipt, fields: Collection[str]) -> JsonObject:
    """Return the arguments of a PATCH that puts fields back, in the format that the operation takes.

    Raises:
        Obstacle: the format cannot express the change.
    """
    if operation.body is None or not isinstance(receipt.before, dict):
        raise Obstacle("the operation that changes it does not take what has to be put back")
    whole = _whole_argument(operation)
    if whole is None:
        is_merge = base_of(operation.body.contents[0].media_type) == _MERGE
        return _field_arguments(operation, receipt, fields, is_merge=is_merge)
    if takes_json_patch(operation, whole):
        steps: list[JsonValue] = [*_steps(receipt, fields)]
        if not steps:
            raise Obstacle("the operation that changes it does not take what has to be put back")
        return {whole.name: steps}
    content = operation.body.content_for("object")
    if content.kind != "json" or "object" not in content.shapes:
        raise Obstacle("the operation that changes it takes a format that cannot be written from a receipt")
    is_merge = base_of(content.media_type) == _MERGE
    return {whole.name: {field: _member(receipt, field, is_merge=is_merge) for field in fields}}


def put_body(operation: Operation, receipt: Receipt, fields: Collection[str]) -> JsonObject:
    """Return the arguments of a PUT that replaces a thing by what it was.

    Raises:
        Obstacle: a value is a secret, or the operation does not take what has to be put back.
    """
    if operation.body is None:
        raise Obstacle("the operation that replaces it takes no body")
    whole = _whole_argument(operation)
    if whole is not None:
        return {whole.name: _without_server_fields(_plain(receipt.before))}
    known = {each.wire_name for each in operation.arguments.values() if each.location == BODY}
    if operation.body.others is None and (unknown := [field for field in fields if field not in known]):
        raise Obstacle(f"no operation of the API takes {', '.join(unknown)}")
    return _all_fields(operation, receipt.before, fields)


def new_body(operation: Operation, receipt: Receipt) -> JsonObject:
    """Return the arguments of the request that makes a removed thing again.

    Raises:
        Obstacle: a value is missing or secret.
    """
    if operation.body is None:
        return {}
    whole = _whole_argument(operation)
    if whole is None:
        return _all_fields(operation, receipt.before, ())
    before = _without_server_fields(_plain(receipt.before))
    if isinstance(before, dict):
        before = {name: value for name, value in before.items() if name not in _SET_AT_CREATION}
    return {whole.name: before}


def takes_json_patch(operation: Operation, argument: Argument) -> bool:
    """Return whether the whole body of an operation is a JSON Patch (RFC 6902)."""
    body = operation.body
    if body is not None and any(base_of(each.media_type) == "application/json-patch+json" for each in body.contents):
        return True
    definitions = operation.definition.input_schema.get("$defs")
    known = definitions if isinstance(definitions, dict) else {}
    schema = _resolved(argument.schema, known)
    choices = schema.get("anyOf")
    schemas = [_resolved(each, known) for each in choices] if isinstance(choices, list) else [schema]
    for each in schemas:
        properties = _resolved(each.get("items"), known).get("properties")
        if isinstance(properties, dict) and {"op", "path"} <= properties.keys():
            return True
    return False


def _resolved(schema: JsonValue, known: JsonObject) -> JsonObject:
    if not isinstance(schema, dict):
        return {}
    reference = schema.get("$ref")
    target = known.get(reference.rpartition("/")[2]) if isinstance(reference, str) else None
    return target if isinstance(target, dict) else schema


def _whole_argument(operation: Operation) -> Argument | None:
    """Return the argument that is the whole body; None where the body's fields are arguments of their own."""
    if operation.body is None or operation.body.has_fields:
        return None
    return next((each for each in operation.arguments.values() if each.location == BODY), None)


def _plain(value: Value) -> JsonValue:
    """Return a value that is known.

    Raises:
        Obstacle: it does not exist, or a secret is in it.
    """
    if isinstance(value, Absent):
        raise Obstacle("the receipt does not hold the value")
    if has_hidden(value):
        raise Obstacle("it contains a secret, which no receipt holds")
    return value


def _steps(receipt: Receipt, fields: Collection[str]) -> Iterator[JsonObject]:
    """Yield the steps of a JSON Patch. A list is replaced as a whole."""
    for field in fields:
        before, after = value_to_write(receipt.before, field), value_to_write(receipt.after, field)
        yield from _steps_at((field,), before, after)


def _steps_at(tokens: tuple[str, ...], before: Value, after: Value) -> Iterator[JsonObject]:
    path = pointer_of(tokens)
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*after, *before]):
            yield from _steps_at((*tokens, name), before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif is_same(before, after):
        return
    elif isinstance(before, Absent):
        yield {"op": "remove", "path": path}
    else:
        yield {"op": "add" if isinstance(after, Absent) else "replace", "path": path, "value": _plain(before)}


_ABSENT = Absent.ABSENT


def _field_arguments(operation: Operation, receipt: Receipt, fields: Collection[str], *, is_merge: bool) -> JsonObject:
    by_name = {each.wire_name: each for each in operation.arguments.values() if each.location == BODY}
    takes_others = operation.body is not None and operation.body.others is not None
    found: JsonObject = {}
    for field in fields:
        argument = by_name.get(field)
        if argument is None and not takes_others:
            raise Obstacle(f"no operation of the API takes {field}")
        value = _member(receipt, field, is_merge=is_merge)
        if value is None and argument is not None and not argument.allows_null:
            raise Obstacle(f"{field} had no value, and the API does not take null for it")
        found[argument.name if argument else field] = value
    return found


def _member(receipt: Receipt, field: str, *, is_merge: bool) -> JsonValue:
    before, after = value_to_write(receipt.before, field), value_to_write(receipt.after, field)
    if is_merge:
        return _merged(field, before, after)
    if isinstance(before, Absent):
        raise Obstacle(f"{field} did not exist before, and the API's PATCH cannot remove a field")
    return _plain(before)


def _merged(field: str, before: Value, after: Value) -> JsonValue:
    """Return the value in a merge patch (RFC 7396), where null removes a field."""
    if isinstance(before, Absent):
        return None
    if before is None:
        raise Obstacle(f"{field} was null before, and a merge patch cannot write null")
    if isinstance(before, dict):
        current = after if isinstance(after, dict) else {}
        return {
            name: _merged(name, before.get(name, _ABSENT), current.get(name, _ABSENT))
            for name in dict.fromkeys([*before, *current])
            if not is_same(before.get(name, _ABSENT), current.get(name, _ABSENT))
        }
    return _plain(before)


def _all_fields(operation: Operation, document: Value, needed: Collection[str]) -> JsonObject:
    """Return the arguments for all fields of a body, as a document has them."""
    found: JsonObject = {}
    for name, argument in operation.arguments.items():
        if argument.location != BODY:
            continue
        value = value_to_write(document, argument.wire_name)
        if isinstance(value, Absent):
            if is_secret_name(argument.wire_name):
                raise Obstacle(f"the API does not show {argument.wire_name}, which may be a secret")
            continue
        if value is None and not argument.allows_null:
            if argument.is_required or argument.wire_name in needed:
                raise Obstacle(f"{argument.wire_name} had no value, and the API does not take null for it")
            continue
        found[name] = _plain(value)
    others = operation.body is not None and operation.body.others is not None
    if others and isinstance(document, dict):
        rest = document.keys() - {each.wire_name for each in operation.arguments.values()} - _SET_AT_CREATION
        found |= {name: _plain(document[name]) for name in sorted(rest) if not is_set_by_server(name)}
    return found


def _without_server_fields(document: JsonValue) -> JsonValue:
    if not isinstance(document, dict):
        return document
    return {name: value for name, value in document.items() if not is_set_by_server(name)}
