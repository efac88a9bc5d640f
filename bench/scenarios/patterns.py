"""Every regular expression of the service over its worst inputs, and the functions that rewrite foreign text.

A pattern of linear cost takes ten times as long for ten times as much text. A bounded one stops growing at its limit.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from typing import TYPE_CHECKING

import shared
from bench.figures import Figure, Goal
from shared.domain.user_text import without_ui_blocks
from shared.tools.definitions.descriptions import describe
from shared.tools.results.paginate import page_of
from shared.tools.results.prune import prune_json
from shared.tools.results.redaction import without_internals, without_urls
from shared.util.patterns import BoundedPattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.environment import Bench

_SIZES = (1_000, 10_000, 100_000)
_REPEATS = 3
_NOISE_MS = 0.5
"""Below so many milliseconds, growth is the clock's."""
_HOLD_MS = Goal(20)
_GROWTH = Goal(20)
"""Times the duration at a tenth of the size: 10 is linear, 100 is quadratic."""

_OWN_TEXT = frozenset(
    {
        "shared.agent.prompt",
        "shared.claude.capabilities",
        "shared.graph.agtype",
        "shared.observability.sentry",
        "shared.settings",
        "shared.util.addresses",
    }
)
"""Modules whose patterns read the database's, the operator's or our own text."""
_MATCHED_AT_LINES = frozenset({"shared.domain.user_text"})
"""Modules whose patterns are only matched where lines begin, so they are measured with the function that uses them."""
_CHOOSING_SIZE = 4_000

_SEEDS = (
    "-", " ", "\n", "a", "a-", "a.", "A", "aA", "0", "_", '"', "\\", '\\"', "[", "{", "(", "<", "`", ":", "/", "%25",
    "eyJ-", "eyJ.", "bearer ", "<context ", "<context>", "</context", "http://", "a://b", "a://b/", "://", "x@", "{a",
    "{{", ":a:`", "Args:\n", "    a (b): c\n", "Traceback (most recent call last)", '\n  File "', "javascript:", "/ ",
    "title :", "#", "- a", "pull request ", "roll", "::vertex", '{"a":"', "[[", "sk-", "://a:b", "gAAAAA", "v1.", "api",
)  # fmt: skip
"""Pieces that are repeated: openings without an end, runs of one class, and near matches of every pattern."""

_FUNCTIONS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("prune JSON", prune_json),
    ("remove internals", without_internals),
    ("remove URLs", lambda text: without_urls(text, keep_public=True)),
    ("describe", lambda text: describe("name", text, text)),
    ("without the UI's blocks", without_ui_blocks),
    ("first page", lambda text: page_of(text, 0, 1_000)),
)


async def measure(bench: Bench) -> list[Figure]:  # noqa: ARG001  # the scenarios' signature
    """Feed each pattern and each function its worst inputs."""
    found = [*_patterns(), *_FUNCTIONS]
    figures = [figure for name, work in found for figure in _measured(name, work)]
    durations = [figure.value for figure in figures if figure.unit == "ms"]
    growths = [figure.value for figure in figures if figure.unit == "x"]
    return [
        Figure("patterns", "patterns and functions", "", len(found)),
        Figure("patterns", "longest at 100 KB", "ms", max(durations), goal=_HOLD_MS),
        Figure("patterns", "steepest growth from 10 to 100 KB", "x", max(growths, default=1.0), goal=_GROWTH),
        *figures,
    ]


def _patterns() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Yield every pattern of every module, as a replacement of all its matches."""
    seen: set[int] = set()
    for info in pkgutil.walk_packages(shared.__path__, "shared."):
        if info.name in _OWN_TEXT | _MATCHED_AT_LINES:
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            each = value.pattern if isinstance(value, BoundedPattern) else value
            if not isinstance(each, re.Pattern) or not isinstance(each.pattern, str) or id(value) in seen:
                continue
            seen.add(id(value))
            yield f"{info.name}.{name}", _replacing(value)


def _replacing(pattern: BoundedPattern | re.Pattern[str]) -> Callable[[str], object]:
    return lambda text: (pattern.sub("", text), pattern.search(text), pattern.fullmatch(text))


def _measured(name: str, work: Callable[[str], object]) -> Iterator[Figure]:
    """Yield the longest duration at the largest size, and its growth from a tenth of the size."""
    worst = max(_SEEDS, key=lambda seed: _shortest(work, seed, _CHOOSING_SIZE))
    first, before, last = (_shortest(work, worst, size) for size in _SIZES)
    yield Figure("patterns", f"{name} at 1 KB of {worst!r}", "µs", first * 1_000, is_detail=True)
    yield Figure("patterns", f"{name} at 10 KB of {worst!r}", "µs", before * 1_000, is_detail=True)
    yield Figure("patterns", f"{name} at 100 KB of {worst!r}", "ms", last, is_detail=True)
    if last > _NOISE_MS:
        yield Figure("patterns", f"{name}, growth", "x", last / max(before, _NOISE_MS / 10), is_detail=True)


def _shortest(work: Callable[[str], object], seed: str, size: int) -> float:
    """Return the shortest of some durations, in milliseconds of the processor."""
    text = (seed * (size // len(seed) + 1))[:size]
    return min(_milliseconds(work, text) for _ in range(_REPEATS))


def _milliseconds(work: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    work(text)
    return (time.thread_time() - began) * 1_000
