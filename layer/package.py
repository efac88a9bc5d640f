"""Builds the Lambda package with `sam build`, shows its warnings, and writes into its template what it was built for.

    python -m layer.package [OPTIONS OF sam build]

The target is Python LAMBDA_PYTHON (default: 3.13) on LAMBDA_ARCHITECTURE (x86_64, the default, or arm64). The status is
1 if `sam build` has failed or warned.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent
SAM = ROOT / ".sam" / "bin" / "sam"
BUILD_DIR = "--build-dir"
DEFAULTS = {"LAMBDA_PYTHON": "3.13", "LAMBDA_ARCHITECTURE": "x86_64"}
NOTES = "LAMBDA_BUILD_NOTES"
"""The variable with the file for the notes of the layer's build, because `sam build` does not show its output."""
_WARNING = re.compile(r"\bwarn", re.IGNORECASE)
_PARAMETER = r"^  {name}:\n(?:    .*\n)+"
_RELEASE = re.compile(r"^(?P<indent> +)RELEASE: .*$", re.MULTILINE)


def main(arguments: Sequence[str]) -> int:
    """Build, and return the exit status."""
    target = {name: os.environ.get(name, default) for name, default in DEFAULTS.items()}
    python, architecture = target["LAMBDA_PYTHON"], target["LAMBDA_ARCHITECTURE"]
    overrides = [f"PythonVersion={python}", f"Architecture={architecture}"]
    command = [str(SAM), "build", "--build-in-source", *arguments, "--parameter-overrides", *overrides]
    with tempfile.NamedTemporaryFile("r", suffix=".txt") as notes:
        status, warnings = run(command, {**os.environ, **target, "SAM_CLI_TELEMETRY": "0", NOTES: notes.name})
        sys.stdout.write(notes.read())
    if status:
        return status
    template = build_directory(arguments) / "template.yaml"
    release = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    template.write_text(sealed(template.read_text("utf-8"), python, architecture, release), "utf-8")
    sys.stdout.write(f"{template} is release {release}, for Python {python} on {architecture}\n")
    for line in warnings:
        sys.stderr.write(f"warned: {line}\n")
    return 1 if warnings else 0


def run(command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a command and show its output; returns its status, and the lines of its output that are warnings."""
    warnings = []
    with subprocess.Popen(  # noqa: S603  # our own command line
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            if _WARNING.search(line):
                warnings.append(line.strip())
    return process.returncode, warnings


def build_directory(arguments: Sequence[str]) -> Path:
    """Return the folder that `sam build` writes to."""
    if BUILD_DIR in arguments:
        return Path(arguments[arguments.index(BUILD_DIR) + 1])
    return ROOT / ".aws-sam" / "build"


def sealed(template: str, python: str, architecture: str, release: str) -> str:
    """Return a built template that can only be deployed for its own Python and architecture, as a release of its own.

    The release is a variable of every function. So each deployment changes all functions and publishes a version of
    each, also if only the layer or a parameter has changed.

    Raises:
        ValueError: the template has no such parameter or variable.
    """
    for name, value in (("PythonVersion", python), ("Architecture", architecture)):
        template = replaced(re.compile(_PARAMETER.format(name=name), re.MULTILINE), _fixed(name, value), template)
    return replaced(_RELEASE, rf"\g<indent>RELEASE: '{release}'", template)


def replaced(pattern: re.Pattern[str], replacement: str, text: str) -> str:
    """Replace the one match of a pattern.

    Raises:
        ValueError: there is no match, or more than one.
    """
    text, count = pattern.subn(replacement, text)
    if count != 1:
        raise ValueError(f"the template has {count} places instead of one for {pattern.pattern!r}")
    return text


def _fixed(name: str, value: str) -> str:
    return (
        f"  {name}:\n    Type: String\n    Default: '{value}'\n    AllowedValues:\n    - '{value}'\n"
        "    Description: What this package was built for; another build is needed for another value\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
