"""Names of tools: readable, unique, and independent of the order of the operations."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.tools.builtin import BUILTIN_NAMES
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_MAX_NAME_CHARS = 64
_MAX_READ_CHARS = 2_000
_HASH_LENGTH = 8
_MAX_PREFIXES = 20
"""Segments of a path that may be a prefix which the application does not know of."""
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VERBS = {"post": "create", "put": "replace", "patch": "update", "delete": "delete"}
_MOUNT = bounded(r"api|rest|v\d+(\.\d+)*", 40, re.IGNORECASE)
_NO_NAME = bounded(r"[^a-zA-Z0-9_-]+", _MAX_READ_CHARS)
_NO_WORD = bounded(r"[^a-zA-Z0-9]+", _MAX_READ_CHARS)
_NO_LETTER = bounded(r"\W", _MAX_READ_CHARS)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of a name: the method in lower case, the path template, the document's operationId."""

    method: str
    path: str
    operation_id: str | None = None

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments without empty ones."""
        return tuple(part for part in self.path.split("/") if part)

    @property
    def static_segments(self) -> tuple[str, ...]:
        """The segments that hold no parameter."""
        return tuple(part for part in self.segments if "{" not in part)

    @property
    def digest(self) -> str:
        """A short text that is the same wherever and whenever it is computed."""
        return sha256(f"{self.method} {self.path}".encode("utf-8", "replace")).hexdigest()[:_HASH_LENGTH]


def tool_names(endpoints: Iterable[Endpoint], taken: Collection[str] = BUILTIN_NAMES) -> dict[Endpoint, str]:
    """Name every endpoint.

    In each round every unnamed endpoint proposes its next candidate. A candidate that is free and proposed once is
    granted. So the names do not depend on the order of the endpoints, and only endpoints that collide are affected.
    """
    groups: defaultdict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in endpoints:
        groups[base_name(endpoint)].append(endpoint)
    pending = {
        endpoint: _candidates(endpoint, base, group)
        for base, group in groups.items()
        for endpoint in dict.fromkeys(group)
    }
    used = set(taken)
    names: dict[Endpoint, str] = {}
    while pending:
        wishes = {endpoint: next(candidates) for endpoint, candidates in pending.items()}
        granted = _granted(wishes, used)
        names |= granted
        used |= set(granted.values())
        pending = {endpoint: pending[endpoint] for endpoint in pending if endpoint not in granted}
    return names


def base_name(endpoint: Endpoint) -> str:
    """Return the name of an endpoint that collides with no other."""
    if not endpoint.operation_id:
        return _described(endpoint)
    function = _function_name(endpoint)
    if function is not None and "_" not in function:
        return _with_noun(function, endpoint)
    name = _NO_NAME.sub("_", function or endpoint.operation_id).strip("_-")
    return name or _described(endpoint)


def _granted(wishes: Mapping[Endpoint, str | None], used: Collection[str]) -> dict[Endpoint, str]:
    counts = Counter(wishes.values())
    return {
        endpoint: name
        for endpoint, name in wishes.items()
        if name is not None and counts[name] == 1 and name not in used
    }


def _candidates(endpoint: Endpoint, base: str, group: list[Endpoint]) -> Iterator[str | None]:
    """Yield the candidates for an endpoint's name, best first; None lets the other endpoints choose first."""
    nouns = _distinguishing(endpoint, group)
    yield None if nouns else _shortened(base, endpoint)
    for count in range(1, len(nouns) + 1):
        yield _shortened(_qualified(base, nouns[-count:]), endpoint)
    yield _shortened(f"{base}_{endpoint.method}", endpoint)
    digits = _HASH_LENGTH
    while True:
        yield f"{base[: _MAX_NAME_CHARS - digits - 1]}_{sha256(repr((endpoint, digits)).encode()).hexdigest()[:digits]}"
        digits += 1


def _distinguishing(endpoint: Endpoint, group: list[Endpoint]) -> tuple[str, ...]:
    """List the static segments that not all endpoints of the same name have, as nouns."""
    if len(group) == 1:
        return ()
    common = frozenset.intersection(*(frozenset(member.static_segments) for member in group))
    nouns = (singular(_word(part)) for part in endpoint.static_segments if part not in common)
    return tuple(noun for noun in nouns if noun)


def _qualified(base: str, nouns: tuple[str, ...]) -> str:
    """Insert nouns behind the verb: `add_to_organization` of users becomes `add_user_to_organization`."""
    verb, separator, rest = base.partition("_")
    return "_".join((verb, *nouns, rest) if separator else (base, *nouns))


def _shortened(name: str, endpoint: Endpoint) -> str:
    return name if len(name) <= _MAX_NAME_CHARS else f"{name[: _MAX_NAME_CHARS - _HASH_LENGTH - 1]}_{endpoint.digest}"


def _function_name(endpoint: Endpoint) -> str | None:
    """Return the function's name in an operationId of FastAPI's, which ends in `_{path}_{method}`; None in others.

    The path in the document may have a prefix that the application does not know of.
    """
    operation_id = str(endpoint.operation_id)
    path = _NO_LETTER.sub("_", endpoint.path)
    starts = [
        0,
        *(place for place, character in enumerate(endpoint.path[:_MAX_READ_CHARS]) if place and character == "/"),
    ]
    for start in starts[:_MAX_PREFIXES]:
        for method in _METHODS:
            name = operation_id.removesuffix(f"{path[start:]}_{method}")
            if name and name != operation_id:
                return name
    return None


def _with_noun(verb: str, endpoint: Endpoint) -> str:
    """Add a noun to a lone verb: `refresh` of identities becomes `refresh_identity`."""
    nouns = [
        noun
        for part in endpoint.static_segments
        if not _MOUNT.fullmatch(part) and (noun := singular(_word(part))) and noun != verb
    ]
    return "_".join((verb, *nouns[-1:]))


def _described(endpoint: Endpoint) -> str:
    """Describe an endpoint that has no operationId: GET /api/projects/{id}/links is list_project_links."""
    segments = [part for part in endpoint.segments if not _MOUNT.fullmatch(part)]
    is_member = bool(segments) and "{" in segments[-1]
    words = [
        singular(_word(part)) if endpoint.method == "post" or segments[index + 1 :] or is_member else _word(part)
        for index, part in enumerate(segments)
        if "{" not in part
    ]
    verb = _VERBS.get(endpoint.method, "get" if is_member else "list")
    return "_".join(word for word in (verb, *words) if word)


def _word(segment: str) -> str:
    return _NO_WORD.sub("_", segment).strip("_").lower()


def singular(word: str) -> str:
    """Make a plural English noun singular, well enough for a name."""
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith(("ses", "xes", "ches", "shes")) and not word.endswith(("uses", "eases", "ases")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
