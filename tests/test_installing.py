"""What `make` installs from a lock, where the index has newer releases than the locked ones."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKED = {"asker": "1.0", "pydantic": "1.0", "anyio": "1.0"}
NEWER = {"pydantic": "1.1", "anyio": "2.0"}
BACKEND = """
import zipfile

FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: imbi-assistant\\nVersion: 0\\n",
    "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "RECORD": "",
}

def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "imbi_assistant-0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        for file, text in FILES.items():
            wheel.writestr(f"imbi_assistant-0.dist-info/{file}", text)
    return name
"""
"""Builds the project itself, without any package."""


def make_wheel(directory: Path, name: str, version: str) -> str:
    """Make a package that asks for `pydantic[email]` if it is the asker; gives its line in a lock."""
    asks = "Requires-Dist: pydantic[email]\nRequires-Dist: anyio\n" if name == "asker" else "Provides-Extra: email\n"
    information = f"{name}-{version}.dist-info"
    path = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asks}"
        wheel.writestr(f"{information}/METADATA", metadata)
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a checkout with the real Makefile and a lock of three packages; two have been released anew since."""
    project, wheels = tmp_path / "project", tmp_path / "wheels"
    project.mkdir()
    wheels.mkdir()
    shutil.copy(ROOT / "Makefile", project)
    (project / "requirements.lock").write_text("".join(make_wheel(wheels, *each) for each in LOCKED.items()))
    for each in NEWER.items():
        make_wheel(wheels, *each)
    build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (project / "pyproject.toml").write_text(build)
    (project / "backend.py").write_text(BACKEND)
    return project


def offline(checkout: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    index = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(checkout.parent / "wheels")}
    return subprocess.run(  # noqa: S603  # the project's own make, and pip
        command, cwd=checkout, env={**variables, **index}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_locked_packages_are_installed_where_newer_ones_were_released(checkout: Path) -> None:
    made = offline(checkout, "make", ".venv/.installed", f"PYTHON={sys.executable}")
    assert made.returncode == 0, made.stdout + made.stderr
    listed = offline(checkout, checkout / ".venv/bin/python", "-m", "pip", "freeze", "--exclude-editable")
    installed = dict(line.split("==") for line in listed.stdout.splitlines() if "==" in line)
    assert {name: installed[name] for name in LOCKED} == LOCKED
