"""Builds the Lambda layer: the dependencies, `shared/`, the project's version and the wrapper script.

The target is Python LAMBDA_PYTHON (default: 3.13) on LAMBDA_ARCHITECTURE (x86_64, the default, or arm64); the machine
that builds may be another one. The layer is byte-compiled if this machine has the target's Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
UNUSED = ("bin", "**/tests", "**/__pycache__", "**/*.pyi", "**/*.pyx", "**/*.so.*.debug")
"""Files that no import needs; the tests of packages make up a tenth of their size."""
MOST_BYTES = 250_000_000
"""Lambda's limit for the unzipped size of a function with its layers, in bytes.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


def main() -> int:
    """Build into the directory that the command line names; return 1 if the layer is too large."""
    target = Path(sys.argv[1])
    version = os.environ.get("LAMBDA_PYTHON", "3.13")
    packages = target / "python"
    install(packages, version, PLATFORMS[os.environ.get("LAMBDA_ARCHITECTURE", "x86_64")])
    add_shared(packages)
    add_version(packages)
    shutil.copy(HERE / "stream", target)
    (target / "stream").chmod(0o755)
    compile_all(packages, version)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    say(f"the layer has {size / 1e6:.0f} MB for Python {version}")
    return int(size > MOST_BYTES)


def install(packages: Path, version: str, platform: str) -> None:
    """Install the locked dependencies for the target's Python version and platform."""
    run(
        sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
        "--target", str(packages), "--python-version", version, "--python-platform", platform,
        "--only-binary", ":all:", "--link-mode", "copy", "-r", str(HERE / "requirements.lock"),
    )  # fmt: skip
    for pattern in UNUSED:
        for path in [*packages.glob(pattern)]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def add_shared(packages: Path) -> None:
    """Copy `shared/` into the layer."""
    shutil.copytree(ROOT / "shared", packages / "shared", ignore=shutil.ignore_patterns("__pycache__"))


def add_version(packages: Path) -> None:
    """Write the metadata in which `importlib.metadata` finds the project's version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    information = packages / f"imbi_assistant-{project['version']}.dist-info"
    information.mkdir()
    text = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (information / "METADATA").write_text(text)


def compile_all(packages: Path, version: str) -> None:
    """Byte-compile with the target's Python, unchecked: zip files lose the times by which Python checks bytecode."""
    python = python_of(version)
    if python is None:
        say(f"no Python {version} here: the layer goes uncompiled, and its cold starts take longer")
        return
    run(
        python, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash",
        "-s", str(packages), "-p", "/opt/python", str(packages),
    )  # fmt: skip


def python_of(version: str) -> str | None:
    """Return the path of the target's Python on this machine; None if there is none."""
    candidates = [sys.executable, shutil.which(f"python{version}")]
    candidates += [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    probe = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        found = subprocess.run([candidate, "-c", probe], capture_output=True, text=True, check=False)  # noqa: S603  # a Python of this machine
        if found.stdout.strip() == version:
            return candidate
    return None


def run(*command: str) -> None:
    """Run a command; its failure raises CalledProcessError."""
    subprocess.run(command, check=True)  # noqa: S603  # our own command lines


def say(line: str) -> None:
    """Print a line to standard error, and add it to the notes that `layer.package` shows."""
    sys.stderr.write(f"{line}\n")
    if notes := os.environ.get("LAMBDA_BUILD_NOTES"):
        with Path(notes).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
