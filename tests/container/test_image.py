"""The steps of the image, run in a clean folder without Docker."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
COPIED = ("pyproject.toml", "functions", "shared", "cli.py", "local_server.py", "container")


@pytest.mark.proves("container.image")
@pytest.mark.timeout(300)
def test_the_images_steps_make_a_service_that_starts(tmp_path: Path) -> None:
    steps = (ROOT / "Dockerfile").read_text()
    for name in COPIED:
        assert f"COPY {name} " in steps
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path)
    target = tmp_path / "installed"
    subprocess.run(["sh", "container/install.sh", target], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603, S607  # the image's own step
    command = target / "bin" / "imbi-assistant"
    told = subprocess.run([command, "--version"], cwd="/", capture_output=True, text=True, check=True)  # noqa: S603  # what was installed
    assert told.stdout.strip() != "0"
    clean = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production"}
    refused = subprocess.run([command, "serve"], cwd="/", capture_output=True, text=True, check=False, env=clean)  # noqa: S603  # what was installed
    assert refused.returncode != 0
    assert "POSTGRES_URL is not set." in refused.stderr
    assert not (target / "bin" / "pip").exists()
    assert not list(target.glob("lib/python*/site-packages/local"))


@pytest.mark.proves("container.image")
def test_compose_gives_the_service_what_it_needs() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert services["database"]["image"].startswith("apache/age:")
    assert {"POSTGRES_URL", "IMBI_AUTH_JWT_SECRET", "ANTHROPIC_API_KEY"} <= set(services["assistant"]["environment"])


@pytest.mark.proves("container.image")
def test_nothing_that_is_not_needed_goes_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == set(COPIED)
