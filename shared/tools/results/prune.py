"""JSON results without the parts that tell the model nothing: nulls, whitespace and the API's links to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.results.json_text import rewritten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.tools.results.json_text import ParsedJson

_LINKS = frozenset({"href", "self", "url", "uri", "link", "_self", "self_link", "selfLink", "api_url"})
"""Keys under which an API writes its own addresses."""
_CONTAINERS = frozenset({"relationships", "links", "_links"})
"""Keys of objects that hold only links, and perhaps counts."""
_SPECIAL = _LINKS | _CONTAINERS
_IDENTIFYING = frozenset({"id", "slug", "uuid", "key", "count"})
"""Keys that identify a resource without its link, or that mark a link to a list."""


class _OnlyLinks(dict[str, "ParsedJson"]):
    """An object that has only links. It is removed where it stands among links."""


def prune_json(text: str, *, own_prefixes: Sequence[str] = ("/api/",)) -> str:
    """Remove whitespace, nulls in objects and the API's links to itself from a JSON text.

    `own_prefixes` are the beginnings of the API's links to itself. A link stays where the rest of its object does not
    identify the resource. Numbers stay as they are written. A text that is not JSON is returned unchanged.
    """
    return rewritten(text, _Pruner(tuple(own_prefixes)).prune)


class _Pruner:
    """Prunes one object. The parser calls it for the inner objects first."""

    def __init__(self, own: tuple[str, ...]) -> None:
        self._own = own

    def prune(self, members: dict[str, ParsedJson]) -> dict[str, ParsedJson]:
        """Return an object's members without those that tell nothing."""
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
            if _is_identified_without(kept, key):
                del kept[key]
        return kept

    def _strip(self, kept: dict[str, ParsedJson], key: str) -> None:
        """Remove the links from an object of links, and the object itself if nothing is left of it."""
        container = kept[key]
        if isinstance(container, dict) and container:
            rest = {name: value for name, value in container.items() if not self._is_link(value)}
            kept[key] = rest
            if not rest:
                del kept[key]

    def _is_link(self, value: ParsedJson) -> bool:
        return isinstance(value, _OnlyLinks) or (isinstance(value, str) and value.startswith(self._own))


def _is_identified_without(kept: dict[str, ParsedJson], link: str) -> bool:
    """Return whether an object identifies the resource behind a link without that link."""
    address = kept[link]
    segments = address.partition("?")[0].split("/") if isinstance(address, str) else ()
    return not _IDENTIFYING.isdisjoint(kept) or any(
        isinstance(value, str) and value in segments for key, value in kept.items() if key != link
    )
