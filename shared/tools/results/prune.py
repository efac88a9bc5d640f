"""Results made small for the model before anything is cut off them: JSON without what says nothing to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import orjson

from shared.tools.results.content import compact_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    Value: TypeAlias = "str | bool | orjson.Fragment | dict[str, Value] | list[Value] | None"

_LINKS = frozenset({"href", "self", "url", "uri", "link", "_self", "self_link", "selfLink", "api_url"})
"""Keys under which an API gives addresses of its own."""
_CONTAINERS = frozenset({"relationships", "links", "_links"})
"""Keys of objects that hold nothing but links, with perhaps some counts."""
_SPECIAL = _LINKS | _CONTAINERS
_IDENTIFYING = frozenset({"id", "slug", "uuid", "key", "count"})
"""Keys with which a thing can be asked for without its link, or which say that the link is to a list."""


class _OnlyLinks(dict[str, "Value"]):
    """An object that has only links, which goes where it stands among links."""


def compact(text: str, *, own_prefixes: Sequence[str] = ("/api/",)) -> str:
    """Make JSON small: no white space, no nulls in objects, no links of the API to itself.

    `own_prefixes` is how links of the API to itself begin. A link stays where nothing else would tell by what to ask
    for the thing. Numbers stay as they are written; what is not JSON stays as it is.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        value = json.loads(
            text,
            object_hook=_Pruner(tuple(own_prefixes)).prune,
            parse_float=orjson.Fragment,
            parse_int=orjson.Fragment,
            parse_constant=_refused,
        )
    except (ValueError, RecursionError):
        return text
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # lone surrogates, or nested deeper than orjson goes
        return compact_json(text)


def _refused(constant: str) -> Value:
    raise ValueError(f"{constant} is not JSON")


class _Pruner:
    """Makes an object of its members; the objects within it have been made before."""

    def __init__(self, own: tuple[str, ...]) -> None:
        self._own = own

    def prune(self, members: dict[str, Value]) -> dict[str, Value]:
        """Give the object that is made of members."""
        kept = members
        if None in members.values():
            kept = {key: value for key, value in members.items() if value is not None}
        if _SPECIAL.isdisjoint(kept):
            return kept
        for key in _CONTAINERS & kept.keys():
            self._strip(kept, key)
        links = [key for key in _LINKS & kept.keys() if self._is_link(kept[key])]
        if links and len(links) == len(kept):
            return _OnlyLinks(kept)
        for key in links:
            if _is_told_without(kept, key):
                del kept[key]
        return kept

    def _strip(self, kept: dict[str, Value], key: str) -> None:
        """Take the links out of an object of links, and the object out, if nothing is left of it."""
        container = kept[key]
        if isinstance(container, dict) and container:
            rest = {name: value for name, value in container.items() if not self._is_link(value)}
            kept[key] = rest
            if not rest:
                del kept[key]

    def _is_link(self, value: Value) -> bool:
        return isinstance(value, _OnlyLinks) or (isinstance(value, str) and value.startswith(self._own))


def _is_told_without(kept: dict[str, Value], link: str) -> bool:
    """Whether an object says without a link by what to ask for the thing that the link is to."""
    address = kept[link]
    segments = address.partition("?")[0].split("/") if isinstance(address, str) else ()
    return not _IDENTIFYING.isdisjoint(kept) or any(
        isinstance(value, str) and value in segments for key, value in kept.items() if key != link
    )
