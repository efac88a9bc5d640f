"""Which paths of the API are never tools."""

from __future__ import annotations

import re
from collections import Counter
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CLOSED = frozenset({"auth", "mfa"})
_MOUNT = re.compile(r"api|rest|v\d+(\.\d+)*")
_MOST_DECODINGS = 8


class Exclusions:
    """The paths that must not be called: `/auth/…`, `/mfa/…` and `/status` under the mount, `…/thumbnail` anywhere.

    A document does not say where its API is mounted, so it is read from the paths, and whatever may be the mount counts
    as one. Credentials are at stake with `auth` and `mfa`: these are excluded behind any run of segments without a
    parameter, which holds wherever the mount is. `/status` only needs the mounts that are likely.
    """

    def __init__(self, paths: Iterable[str], servers: Iterable[str] = ()) -> None:
        """Find the mounts in all paths of a document and in its servers' URLs."""
        split = [parts for path in paths if (parts := segments_of(path))]
        self._common = _common_prefix(split)
        self._mounts = {(), *_mounts(split)}
        self._mounts |= {tuple(parts) for server in servers if (parts := _server_segments(server))}

    def covers(self, template: str) -> bool:
        """Say whether operations of this path template are excluded."""
        parts = segments_of(template)
        if parts is None or parts[-1:] == ["thumbnail"]:
            return True
        return self._is_status(parts) or not _CLOSED.isdisjoint(self._leading(parts))

    def covers_address(self, path: str) -> bool:
        """Say whether a call's path, its parameters filled in, is where no operation would be a tool.

        Only what stands right behind a mount counts here: a team may be called `auth`.
        """
        parts = segments_of(path)
        if parts is None or self._is_status(parts):
            return True
        return any(
            tuple(parts[: len(mount)]) == mount and parts[len(mount) : len(mount) + 1] and parts[len(mount)] in _CLOSED
            for mount in self._mounts
        )

    def _leading(self, parts: list[str]) -> list[str]:
        """Take the segments that may belong to a mount, and those behind it up to the first parameter."""
        length = len(self._common) if parts[: len(self._common)] == self._common else 0
        return parts[:length] + _static_run(parts[length:])

    def _is_status(self, parts: Sequence[str]) -> bool:
        return parts[-1:] == ["status"] and tuple(parts[:-1]) in self._mounts


def segments_of(path: str) -> list[str] | None:
    """Split a path as the most lenient server would read it; None where that is not to be told."""
    for _ in range(_MOST_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    else:
        return None
    parts = [re.split("[;:]", part)[0].strip().casefold() for part in re.split(r"[/\\]", re.split(r"[?#]", path)[0])]
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
    """Find the likely mounts: what all paths share, what most share where some stray, and what looks like one."""
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
