"""The paths of the API that are never tools."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.util.patterns import bounded
from shared.util.urls import fully_decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CLOSED = frozenset({"auth", "mfa"})
_MAX_SEGMENT_CHARS = 40
_MOUNT = bounded(r"api|rest|v\d+(\.\d+)*", _MAX_SEGMENT_CHARS)
_MAX_PATH_CHARS = 20_000


class Exclusions:
    """The paths that must not be called: `/auth/…`, `/mfa/…` and `/status` under the mount, `…/thumbnail` anywhere.

    A document does not say where its API is mounted. The mount is guessed from the paths, and every candidate counts.
    `auth` and `mfa` have to do with credentials: they are excluded behind any run of segments without a parameter,
    which includes every mount. `/status` is excluded under the likely mounts only.
    """

    def __init__(self, paths: Iterable[str], servers: Iterable[str] = ()) -> None:
        """Find the mounts in all paths of a document and in its servers' URLs."""
        split = [parts for path in paths if (parts := segments_of(path))]
        self._common = _common_prefix(split)
        self._mounts = {(), *_mounts(split)}
        self._mounts |= {tuple(parts) for server in servers if (parts := _server_segments(server))}

    def covers(self, template: str) -> bool:
        """Return whether the operations of this path template are excluded."""
        parts = segments_of(template)
        if parts is None or parts[-1:] == ["thumbnail"]:
            return True
        return self._is_status(parts) or not _CLOSED.isdisjoint(self._leading(parts))

    def covers_address(self, path: str) -> bool:
        """Return whether a call's path, with its parameters filled in, leads to an excluded operation.

        Only the segment right behind a mount counts here: a team may be called `auth`.
        """
        parts = segments_of(path)
        if parts is None or self._is_status(parts):
            return True
        return any(
            tuple(parts[: len(mount)]) == mount and parts[len(mount) : len(mount) + 1] and parts[len(mount)] in _CLOSED
            for mount in self._mounts
        )

    def _leading(self, parts: list[str]) -> list[str]:
        """Return the segments that may belong to a mount, and those behind it up to the first parameter."""
        length = len(self._common) if parts[: len(self._common)] == self._common else 0
        return parts[:length] + _static_run(parts[length:])

    def _is_status(self, parts: Sequence[str]) -> bool:
        return parts[-1:] == ["status"] and tuple(parts[:-1]) in self._mounts


def segments_of(path: str) -> list[str] | None:
    """Split a path as the most lenient server would read it; return None where that is uncertain."""
    if len(path) > _MAX_PATH_CHARS:
        return None
    try:
        path = fully_decoded(path)
    except ValueError:
        return None
    path = path.partition("?")[0].partition("#")[0].replace("\\", "/")
    parts = [part.partition(";")[0].partition(":")[0].strip().casefold() for part in path.split("/")]
    parts = [part for part in parts if part not in {"", "."}]
    return None if ".." in parts else parts


def _static_run(parts: Iterable[str]) -> list[str]:
    return list(takewhile(lambda part: "{" not in part, parts))


def _server_segments(url: str) -> list[str]:
    try:
        return segments_of(urlsplit(url).path) or []
    except ValueError:
        return []


def _mounts(paths: list[list[str]]) -> set[tuple[str, ...]]:
    """Find the likely mounts: the prefix of all paths, the prefix of most, and prefixes that look like a mount."""
    runs = [_static_run(parts) for parts in paths]
    main = [run for run in runs if run and run[0] == _most_common_start(runs)]
    shared = [_common_prefix(runs), _common_prefix(main) if len(main) * 2 >= len(runs) else []]
    named = [list(takewhile(_MOUNT.fullmatch, run)) for run in runs]
    return {tuple(prefix[:length]) for prefix in (*shared, *named) for length in range(len(prefix) + 1)}


def _most_common_start(runs: list[list[str]]) -> str | None:
    starts = Counter(run[0] for run in runs if run)
    return max(starts, key=lambda start: (starts[start], start)) if starts else None


def _common_prefix(paths: list[list[str]]) -> list[str]:
    if not paths:
        return []
    shortest, longest = min(paths), max(paths)
    return [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(shortest, longest, strict=False))]
