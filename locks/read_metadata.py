"""Reads the requirements of every locked package from the package index and keeps them in `metadata.json`.

`make lock` runs this last. The test of the locks reads the file and asks no index. A released package never changes
its requirements, so the file is right as long as it names exactly the packages that are locked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from locks.completeness import ENVIRONMENTS
from locks.lock_files import lock_files

if TYPE_CHECKING:
    from locks.completeness import Environment
    from locks.lock_files import LockFile

FILE = Path(__file__).parent / "metadata.json"
WHEELS = {
    ("linux", "x86_64"): ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    ("linux", "aarch64"): ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    ("darwin", "x86_64"): ("macosx_15_0_x86_64",),
    ("darwin", "arm64"): ("macosx_15_0_arm64",),
}
"""The platform tags of the wheels that each platform installs."""


def main() -> None:
    """Write the file anew; pip is asked only for what the file does not have yet."""
    known = load() if FILE.exists() else {}
    wanted: dict[str, list[str]] = {}
    for lock, environment in product(lock_files(), ENVIRONMENTS):
        pins = pins_of(lock, environment)
        if missing := pins - known.keys():
            known |= ask_pip(sorted(missing), environment)
        wanted |= {pin: known[pin] for pin in pins}
    FILE.write_text(json.dumps(wanted, indent=1, sort_keys=True) + "\n")


def load() -> dict[str, list[str]]:
    """Give the requirements of every locked package, by `name==version`."""
    kept: dict[str, list[str]] = json.loads(FILE.read_text())
    return kept


def pins_of(lock: LockFile, environment: Environment) -> set[str]:
    """Name what a lock installs in an environment."""
    return {str(pin) for pin in lock.pins() if environment.applies(pin.marker)}


def ask_pip(pins: list[str], environment: Environment) -> dict[str, list[str]]:
    """Ask pip what packages require; pip installs none of them."""
    tags = WHEELS[environment.system, environment.machine]
    target = [f"--python-version={environment.python}", *(f"--platform={tag}" for tag in tags)]
    options = [
        "--quiet",
        "--dry-run",
        "--ignore-installed",
        "--ignore-requires-python",
        "--no-deps",
        "--only-binary=:all:",
        *target,
    ]
    with TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        # Old releases of pip accept another platform's tags only together with a target.
        written = [f"--target={directory}", f"--report={report}"]
        command = [sys.executable, "-m", "pip", "install", *options, *written, *pins]
        subprocess.run(command, check=True)  # noqa: S603  # pip with our own arguments
        packages = json.loads(report.read_text())["install"]
    found = (package["metadata"] for package in packages)
    return {f"{canonicalize_name(each['name'])}=={each['version']}": each.get("requires_dist", []) for each in found}


if __name__ == "__main__":
    main()
