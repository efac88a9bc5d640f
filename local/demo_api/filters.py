"""The `filter` parameter of the list of projects: `field:operator[:value]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.demo_api.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pydantic import JsonValue

    from local.demo_api.schemas.common import JsonObject

_WITH_VALUE = ("eq", "ne", "in", "not_in")
_WITHOUT_VALUE = ("exists", "not_exists")


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on one blueprint-defined attribute."""

    field: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, attributes: JsonObject) -> bool:
        """Return whether the attributes fulfil the condition; an unset attribute fulfils only `not_exists`."""
        value = attributes.get(self.field)
        if self.operator == "not_exists":
            return value is None
        if value is None:
            return False
        if self.operator == "exists":
            return True
        return (_text(value) in self.values) == (self.operator in {"eq", "in"})


def parse_filters(texts: Sequence[str], fields: Collection[str]) -> list[Predicate]:
    """Parse the filters; answer 422 with the known fields and operators for an invalid one."""
    return [_parse(text, fields) for text in texts]


def _parse(text: str, fields: Collection[str]) -> Predicate:
    field, _, rest = text.partition(":")
    operator, colon, value = rest.partition(":")
    if field not in fields:
        raise Unprocessable(f"Unknown field {field!r} in filter {text!r}; there are: {', '.join(sorted(fields))}")
    if operator in _WITHOUT_VALUE:
        return Predicate(field, operator)
    if operator not in _WITH_VALUE:
        known = ", ".join((*_WITH_VALUE, *_WITHOUT_VALUE))
        raise Unprocessable(f"Unknown operator {operator!r} in filter {text!r}; there are: {known}")
    if not colon:
        raise Unprocessable(f"Filter {text!r} needs a value, as in '{field}:{operator}:value'")
    several = operator in {"in", "not_in"}
    return Predicate(field, operator, tuple(part.strip() for part in value.split(",")) if several else (value,))


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
