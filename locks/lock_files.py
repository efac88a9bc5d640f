"""The project's lock files: what each pins, and which requirements it was made from."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.markers import Marker

ROOT = Path(__file__).parent.parent
CONTINUED = re.compile(r"\\\n")


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked package: its exact version, and the marker that says where it is installed."""

    name: str
    version: str
    marker: Marker | None = None

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file, the requirements it was made from, and the packages it leaves out on purpose."""

    path: str
    roots: tuple[Requirement, ...]
    left_out: frozenset[str] = frozenset()

    def pins(self) -> tuple[Pin, ...]:
        """Read what the file pins."""
        return tuple(read_pins((ROOT / self.path).read_text()))


def lock_files() -> tuple[LockFile, ...]:
    """Give every Python lock file of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    service = tuple(map(Requirement, project["dependencies"]))
    extras = {name: tuple(map(Requirement, lines)) for name, lines in project["optional-dependencies"].items()}
    layer = (*service, *requirements_in("layer/requirements.in"))
    left_out = frozenset(canonicalize_name(line) for line in lines_of("layer/not-in-layer.txt"))
    return (
        LockFile("requirements.lock", (*service, *extras["dev"])),
        LockFile("local/requirements-node.lock", extras["node"]),
        LockFile("container/requirements.lock", (*service, *extras["otel"])),
        LockFile("layer/requirements.lock", layer, left_out),
        LockFile("layer/requirements-sam.lock", requirements_in("layer/requirements-sam.in")),
    )


def read_pins(text: str) -> Iterator[Pin]:
    """Read the pins of a lock file's text; hashes are left to the installer."""
    for line in CONTINUED.sub(" ", text).splitlines():
        requirement = Requirement(line.split(" --hash")[0])
        (exact,) = requirement.specifier
        if exact.operator != "==":
            raise ValueError(f"{line} does not pin a version")
        yield Pin(canonicalize_name(requirement.name), exact.version, requirement.marker)


def requirements_in(path: str) -> tuple[Requirement, ...]:
    """Read a file of requirements."""
    return tuple(map(Requirement, lines_of(path)))


def lines_of(path: str) -> Iterable[str]:
    """Read a file's lines, without comments."""
    lines = (ROOT / path).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
