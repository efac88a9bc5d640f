"""The `$defs` of one input schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject

REFERENCE_PREFIX = "#/$defs/"
_MAX_INLINED_BYTES = 96


class Assembly:
    """The choice of the definitions that one input schema keeps.

    A definition that is used once, or is tiny, is written in the place where it is used.
    """

    def __init__(self, definitions: Mapping[str, JsonObject]) -> None:
        self._definitions = definitions
        self._counts: dict[str, int] = {}
        self._circular: set[str] = set()

    def closed(self, root: JsonObject) -> JsonObject:
        """Return the schema together with every definition that it refers to."""
        self._count(root, ())
        result = self._inlined(root)
        names = [name for name in sorted(self._counts) if not self._is_inlined(name)]
        kept = {name: self._inlined(self._definitions[name]) for name in names}
        return {**result, "$defs": kept} if kept else result  # type: ignore[dict-item]  # objects by name are JSON

    def _count(self, node: JsonValue, path: tuple[str, ...]) -> None:
        for name in _references(node):
            if name not in self._definitions:
                continue
            self._counts[name] = self._counts.get(name, 0) + 1
            if name in path:
                self._circular.update(path[path.index(name) :])
            elif self._counts[name] == 1:
                self._count(self._definitions[name], (*path, name))

    def _is_inlined(self, name: str) -> bool:
        if name in self._circular:
            return False
        definition = self._definitions[name]
        return self._counts[name] == 1 or (
            not any(_references(definition)) and len(orjson.dumps(definition)) <= _MAX_INLINED_BYTES
        )

    def _inlined(self, node: JsonObject) -> JsonObject:
        expanded = {key: self._value_inlined(value) for key, value in node.items()}
        reference = node.get("$ref")
        name = reference.removeprefix(REFERENCE_PREFIX) if isinstance(reference, str) else ""
        if name not in self._counts or not self._is_inlined(name):
            return expanded
        del expanded["$ref"]
        return {**self._inlined(self._definitions[name]), **expanded}

    def _value_inlined(self, value: JsonValue) -> JsonValue:
        if isinstance(value, dict):
            return self._inlined(value)
        return [self._value_inlined(item) for item in value] if isinstance(value, list) else value


def _references(node: JsonValue) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(REFERENCE_PREFIX)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
