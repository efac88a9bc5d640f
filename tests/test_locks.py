"""The lock files are complete, so that they install without resolving; and they name no package index."""

from __future__ import annotations

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from locks.completeness import ENVIRONMENTS, unmet
from locks.lock_files import lock_files, read_pins
from locks.read_metadata import load, pins_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from locks.lock_files import LockFile, Pin

ROOT = Path(__file__).parent.parent
LOCK_FILES = lock_files()
NPM_LOCK_FILES = tuple(
    ROOT / folder / "package-lock.json"
    for folder in ("local/database", "local/page", "tests/browser", "tests/mcp_everything")
)
METADATA = load()
ASKED_FOR_BY_NONE = {"python-dateutil"}
"""The layer has it although only botocore requires it, which the layer leaves out."""

every_lock_file = pytest.mark.parametrize("lock", LOCK_FILES, ids=lambda lock: lock.path)
every_npm_lock_file = pytest.mark.parametrize("path", NPM_LOCK_FILES, ids=lambda path: path.parent.name)


def problems_of(lock: LockFile, pins: Iterable[Pin]) -> Iterator[str]:
    kept = tuple(pins)
    for environment in ENVIRONMENTS:
        yield from unmet(kept, lock.roots, METADATA, lock.left_out, environment)


def without(lock: LockFile, name: str) -> list[Pin]:
    return [pin for pin in lock.pins() if pin.name != name]


def lock_file(path: str) -> LockFile:
    return next(lock for lock in LOCK_FILES if lock.path == path)


def test_every_lock_file_of_the_project_is_known() -> None:
    found = [*ROOT.glob("*.lock"), *ROOT.glob("[!.]*/*.lock")]
    assert {str(file.relative_to(ROOT)) for file in found} == {lock.path for lock in LOCK_FILES}


def test_the_metadata_is_that_of_the_locked_packages() -> None:
    locked = {pin for lock in LOCK_FILES for environment in ENVIRONMENTS for pin in pins_of(lock, environment)}
    assert locked == METADATA.keys(), "the locks have changed: `make lock` reads the metadata anew"


def test_the_metadata_is_that_of_the_installed_packages() -> None:
    pins = [pin for pin in lock_file("requirements.lock").pins() if pin.marker is None or pin.marker.evaluate()]
    for pin in pins:
        installed = distribution(pin.name)
        assert installed.version == pin.version
        assert sorted(installed.requires or []) == sorted(METADATA[str(pin)])


@every_lock_file
def test_a_lock_meets_every_requirement_of_its_packages(lock: LockFile) -> None:
    problems = [*problems_of(lock, lock.pins())]
    assert not problems, "\n".join(problems)


@every_lock_file
def test_a_lock_without_one_of_its_pins_is_found_out(lock: LockFile) -> None:
    pins = lock.pins()
    installed = [pin for pin in pins if any(environment.applies(pin.marker) for environment in ENVIRONMENTS)]
    unnoticed = {pin.name for pin in installed if not any(problems_of(lock, (other for other in pins if other != pin)))}
    assert unnoticed <= ASKED_FOR_BY_NONE


def test_what_only_an_extra_requires_is_missed() -> None:
    lock = lock_file("requirements.lock")
    problems = [*problems_of(lock, without(lock, "email-validator"))]
    assert any("requires email-validator>=2.0.0" in problem for problem in problems)
    assert any("pydantic[email]" in problem for problem in problems)


def test_what_only_one_python_requires_is_missed() -> None:
    lock = lock_file("requirements.lock")
    problems = [*problems_of(lock, without(lock, "importlib-metadata"))]
    assert problems
    assert all(problem.startswith("Python 3.11.") for problem in problems)


def test_a_version_that_is_too_old_is_found_out() -> None:
    lock = lock_file("container/requirements.lock")
    (old,) = read_pins("anyio==1.0")
    pins = (*without(lock, "anyio"), old)
    (environment, *_) = ENVIRONMENTS
    problems = unmet(pins, lock.roots, {**METADATA, str(old): []}, lock.left_out, environment)
    assert any("but anyio==1.0 is locked" in problem for problem in problems)


def test_the_layer_lacks_only_what_it_leaves_out() -> None:
    lock = lock_file("layer/requirements.lock")
    pinned = {pin.name for pin in lock.pins()}
    assert not lock.left_out & pinned
    missing = {
        Requirement(problem.split(" requires ")[1].split(", which")[0].split(";")[0]).name
        for environment in ENVIRONMENTS
        for problem in unmet(lock.pins(), lock.roots, METADATA, frozenset(), environment)
    }
    assert missing <= lock.left_out


@every_lock_file
def test_a_lock_has_hashes_and_no_address(lock: LockFile) -> None:
    text = (ROOT / lock.path).read_text()
    assert "://" not in text
    assert all("--hash=sha256:" in pin for pin in text.replace("\\\n", " ").splitlines())


def test_the_metadata_has_no_address_of_an_index() -> None:
    assert not [line for lines in METADATA.values() for line in lines if Requirement(line).url]


@every_npm_lock_file
def test_an_npm_lock_is_exact_and_has_no_address(path: Path) -> None:
    packages = json.loads(path.read_text())["packages"]
    packages.pop("")
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
        assert package["version"], name


@every_npm_lock_file
def test_npm_keeps_addresses_out_of_its_lock(path: Path) -> None:
    assert "omit-lockfile-registry-resolved=true" in (path.parent / ".npmrc").read_text()
