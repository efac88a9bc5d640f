"""The files around the code: workflows, hooks and templates name what exists, and all agree on the version."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
GOALS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

HOOKS = ROOT / ".pre-commit-config.yaml"
DEPENDABOT = ROOT / ".github/dependabot.yml"
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
FORMS = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*_*.yml"))
YAML = [HOOKS, *sorted(ROOT.glob(".github/**/*.yml"))]

MANIFESTS = {"docker": "Dockerfile", "docker-compose": "compose.yaml", "npm": "package-lock.json"}
"""What Dependabot needs to find in a directory, by ecosystem."""


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in loaded(workflow)["jobs"].values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("file", YAML, ids=name_of)
def test_yaml_is_valid(file: Path) -> None:
    assert isinstance(loaded(file), dict)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_the_goals_and_files_of_a_workflow_exist(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    assert set(re.findall(r"^\s*make ([a-z-]+)", commands, re.MULTILINE)) <= GOALS
    for path in re.findall(r"(?<![\w/])\.(?:ci|github)/[\w./-]+\w", text):
        assert (ROOT / path).is_file(), path
    for path in re.findall(r"gh workflow run (\S+)", commands):
        assert (workflow.parent / path).is_file(), path


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_a_workflow_has_limits(workflow: Path) -> None:
    content = loaded(workflow)
    assert content["permissions"] in ({}, {"contents": "read"})
    assert "concurrency" in content
    for name, job in content["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 60, name


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_actions_have_a_version(workflow: Path) -> None:
    for step in steps(workflow):
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})", step.get("uses", "actions/none@v1"))


def test_dependabot_looks_where_there_is_something_to_update() -> None:
    for update in loaded(DEPENDABOT)["updates"]:
        manifest = MANIFESTS.get(update["package-ecosystem"], ".github/workflows")
        assert (ROOT / update["directory"].lstrip("/") / manifest).exists(), update


def test_every_package_lock_is_watched_by_dependabot() -> None:
    watched = {update["directory"].lstrip("/") for update in loaded(DEPENDABOT)["updates"]}
    listed = subprocess.run(
        ["git", "ls-files", "*package-lock.json"],  # noqa: S607  # git from PATH
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert {str(Path(path).parent) for path in listed.stdout.split()} <= watched


def test_the_hooks_run_locked_tools() -> None:
    tools = {re.split(r"[\[<>=~ ]", requirement)[0] for requirement in PROJECT["optional-dependencies"]["dev"]}
    for repository in loaded(HOOKS)["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            folder, tool = hook["entry"].split()[0].rsplit("/", 1)
            assert folder == ".venv/bin"
            assert tool in tools
            assert hook["language"] == "system"
    assert "pre-commit" in tools
    assert "hooks" in GOALS


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_an_issue_form_asks_for_something(form: Path) -> None:
    content = loaded(form)
    assert content["name"]
    assert content["description"]
    questions = [field for field in content["body"] if field["type"] != "markdown"]
    assert any(field.get("validations", {}).get("required") for field in questions)
    ids = [field["id"] for field in questions]
    assert len(ids) == len(set(ids))


def test_the_changelog_begins_with_the_projects_version() -> None:
    versions = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$", CHANGELOG, re.MULTILINE)
    assert versions[0] == VERSION
    defined = re.findall(r"^\[([^\]]+)\]: https://", CHANGELOG, re.MULTILINE)
    assert defined == ["Unreleased", *versions]


def release_notes(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci/release_notes.py"), *arguments]
    return subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603  # our own script


def test_the_release_notes_are_the_versions_section() -> None:
    printed = release_notes(f"v{VERSION}")
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.strip() in CHANGELOG
    assert "\n## " not in printed.stdout
    assert "]: https://" not in printed.stdout


def test_a_tag_that_is_not_the_version_stops_the_release() -> None:
    printed = release_notes("v0.0.0")
    assert printed.returncode == 1
    assert f"v{VERSION}" in printed.stderr
    assert not printed.stdout
