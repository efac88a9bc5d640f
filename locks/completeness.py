"""Finds what a lock file lacks: pip and uv install a lock without resolving, so nothing else would bring it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.markers import Marker

    from locks.lock_files import Pin

    Metadata = Mapping[str, Sequence[str]]
    """The requirements of every locked package, by `name==version`."""

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64"))


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python release on a platform, as markers ask for it."""

    python: str
    release: str
    system: str
    machine: str

    def __str__(self) -> str:
        return f"Python {self.release} on {self.system} {self.machine}"

    def applies(self, marker: Marker | None, extra: str = "") -> bool:
        """Say whether what has this marker is installed here."""
        return marker is None or marker.evaluate(self._variables() | {"extra": extra})

    def _variables(self) -> dict[str, str]:
        return {
            "implementation_name": "cpython",
            "implementation_version": self.release,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": self.system.capitalize(),
            "platform_version": "",
            "python_full_version": self.release,
            "python_version": self.python,
            "sys_platform": self.system,
        }


ENVIRONMENTS: Final = tuple(
    Environment(python, f"{python}.{patch}", system, machine)
    for python, patch, (system, machine) in product(PYTHONS, (0, 99), PLATFORMS)
)
"""Where the project runs: the first and the last release of each Python, as markers may ask for either."""


def unmet(
    pins: Iterable[Pin],
    roots: Iterable[Requirement],
    metadata: Metadata,
    left_out: frozenset[str],
    environment: Environment,
) -> Iterator[str]:
    """Say which requirements no pin meets in an environment; `left_out` names what is missing on purpose."""
    here = {pin.name: pin for pin in pins if environment.applies(pin.marker)}
    waiting = [("the project", root) for root in roots if environment.applies(root.marker)]
    for pin in here.values():
        waiting += [(str(pin), needed) for needed in _needs(pin, "", metadata, environment)]
    extras_seen: set[tuple[str, str]] = set()
    while waiting:
        asker, needed = waiting.pop()
        name = canonicalize_name(needed.name)
        met_by = here.get(name)
        if met_by is None:
            if name not in left_out:
                yield f"{environment}: {asker} requires {needed}, which is not locked"
            continue
        if not needed.specifier.contains(met_by.version, prereleases=True):
            yield f"{environment}: {asker} requires {needed}, but {met_by} is locked"
        for extra in needed.extras:
            if (name, extra) not in extras_seen:
                extras_seen.add((name, extra))
                asks = _needs(met_by, extra, metadata, environment)
                waiting += [(f"{name}[{extra}]", further) for further in asks]


def _needs(pin: Pin, extra: str, metadata: Metadata, environment: Environment) -> Iterator[Requirement]:
    """Give what a package requires: by itself where no extra is named, else what the extra adds."""
    for line in metadata[str(pin)]:
        needed = _needed(line, extra, environment)
        if needed is not None:
            yield needed


@cache
def _needed(line: str, extra: str, environment: Environment) -> Requirement | None:
    """Read a requirement; None where it does not apply. Markers are slow to evaluate, so each is evaluated once."""
    needed = _requirement(line)
    return needed if environment.applies(needed.marker, extra) else None


_requirement = cache(Requirement)
