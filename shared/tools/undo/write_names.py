"""The names under which an API takes what it shows under other names: `team_slug` for `{"team": {"slug": …}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.receipts.differences import ABSENT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.domain.receipts import Receipt
    from shared.tools.receipts.differences import Difference, Value

_KEYS = ("slug", "id", "key", "email", "name")


def value_to_write(document: Value, field: str) -> Value:
    """Return the value that a request has to give a field, so that the thing is as in a document."""
    if not isinstance(document, dict):
        return ABSENT
    if field in document:
        return document[field]
    shown, key = _shown_as(document, field)
    value = document.get(shown, ABSENT) if shown else ABSENT
    if isinstance(value, dict):
        return value.get(key, ABSENT)
    if isinstance(value, list) and value and all(isinstance(each, dict) and key in each for each in value):
        return [each[key] for each in value if isinstance(each, dict)]
    return value if value is None or value == [] else ABSENT


def _shown_as(document: Mapping[str, object], field: str) -> tuple[str, str]:
    """Return the name under which a document shows what a field writes, and the key in what is there."""
    for key in _KEYS:
        if field.endswith(f"_{key}") and (base := field[: -len(key) - 1]) in document:
            return base, key
        if field.endswith(f"_{key}s"):
            base = field[: -len(key) - 2]
            for name in (f"{base}s", base, f"{base[:-1]}ies"):
                if name in document:
                    return name, key
    return "", ""


def fields_to_restore(found: Sequence[Difference], receipt: Receipt, writable: Collection[str]) -> tuple[str, ...]:
    """Return the names of the fields that an undo has to write.

    These are the differing fields that the call wrote or that a request can write. The others follow from them, as far
    as anybody can know. Where none of the differing fields is known to be writable, all of them are written, and so
    they are after a replacement of the whole, which removes what it does not name.
    """
    touched = dict.fromkeys(each.tokens[0] for each in found if each.tokens)
    known = dict.fromkeys([*receipt.written, *sorted(writable)])
    fields = [field for field in known if _shown_names(receipt, field) & touched.keys()]
    if fields and (receipt.method != "PUT" or writable):
        return tuple(fields)
    covered = set().union(*(_shown_names(receipt, field) for field in fields))
    return (*fields, *(name for name in touched if name not in covered))


def _shown_names(receipt: Receipt, field: str) -> set[str]:
    names = set()
    for document in (receipt.before, receipt.after):
        if isinstance(document, dict):
            names.add(field if field in document else _shown_as(document, field)[0])
    return names
