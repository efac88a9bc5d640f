"""A pytest plugin that holds the tests against the promises of `behaviours.toml`.

    @pytest.mark.proves("conversations.create")
    async def test_a_conversation_is_created(…): …

A promise is a line `create = "One sentence."` in a table `[conversations]`; its id is `conversations.create`. A test
that names an id that is not there stops the run, and so does a test without any promise below one of the paths of the
ini setting `behaviour_tests`. A run of the whole suite fails where no test that ran proves a promise.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "proves"
ID = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
NARROWING = ("keyword", "markexpr", "lf", "stepwise", "deselect", "ignore", "ignore_glob")
"""Options that leave tests out; a run with one of them says nothing about the whole."""

ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""How a run ends that was neither interrupted nor refused."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini settings."""
    parser.addini("behaviours", "file of the promises", default="tests/behaviours.toml")
    parser.addini("behaviour_tests", "paths below which every test proves a promise", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and read the promises."""
    config.addinivalue_line("markers", f"{MARKER}(*ids): the promises of behaviours.toml that the test proves")
    manifest = config.rootpath / str(config.getini("behaviours"))
    config.pluginmanager.register(Behaviours(config, load(manifest)), "behaviours")


def load(manifest: Path) -> dict[str, str]:
    """Read the promises: an id and a sentence each.

    Raises:
        pytest.UsageError: the file is not there, or something in it is no promise.
    """
    try:
        promises = dict(_leaves(tomllib.loads(manifest.read_text())))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise pytest.UsageError(f"{manifest}: {problem}") from problem
    wrong = [
        name for name, sentence in promises.items() if not ID.fullmatch(name) or not str(sentence).strip().endswith(".")
    ]
    if wrong:
        raise pytest.UsageError(f"{manifest}: not an id with a sentence: {', '.join(wrong)}")
    return promises


def _leaves(table: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


class Behaviours:
    """What the tests of one run prove."""

    def __init__(self, config: pytest.Config, promises: dict[str, str]) -> None:
        self.config = config
        self.promises = promises
        self.named: dict[str, list[str]] = {}
        """The tests of each promise, by node id."""
        self.ran: set[str] = set()
        """The node ids of the tests that ran to a verdict."""
        self.unproved: dict[str, str] = {}
        """Why nothing proves a promise, known at the end."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Hold every collected test against the promises, before any is deselected."""
        problems = []
        for item in items:
            ids = [name for marker in item.iter_markers(MARKER) for name in marker.args]
            for name in ids:
                self.named.setdefault(name, []).append(item.nodeid)
            problems += [f"{item.nodeid}: unknown promise {name!r}" for name in ids if name not in self.promises]
            if not ids and (self._must_prove(item) or any(item.iter_markers(MARKER))):
                problems.append(f"{item.nodeid}: names no promise")
        if problems:
            raise pytest.UsageError("\n".join(["Tests and promises do not match:", *problems]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that came to a verdict; a skipped one, or one that is expected to fail, proves nothing."""
        if report.outcome == "failed" or (report.when == "call" and report.outcome == "passed"):
            self.ran.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a whole run that leaves a promise unproved."""
        came_to_its_end = session.exitstatus in ENDED and not session.shouldstop and not session.shouldfail
        if came_to_its_end and self._is_whole_run():
            self.unproved = self._find_unproved()
        if self.unproved:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the promises that nothing has proved."""
        if self.unproved:
            terminalreporter.section("promises that no test proves")
        for name, reason in self.unproved.items():
            terminalreporter.line(f"{name}: {reason} ({self.promises[name]})")

    def _must_prove(self, item: pytest.Item) -> bool:
        paths = [self.config.rootpath / str(path) for path in self.config.getini("behaviour_tests")]
        return any(item.path.is_relative_to(path) for path in paths)

    def _find_unproved(self) -> dict[str, str]:
        without = {name: "no test" for name in self.promises if name not in self.named}
        silent = {
            name: "its tests were skipped or deselected"
            for name, tests in self.named.items()
            if self.ran.isdisjoint(tests)
        }
        return without | silent

    def _is_whole_run(self) -> bool:
        """Say whether nothing was left out: no selection, and no path but those of a run without arguments."""
        option = self.config.option
        if option.collectonly or any(getattr(option, name, None) for name in NARROWING):
            return False
        if self.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            return True
        given = {Path(argument).resolve() for argument in self.config.args}
        whole = {(self.config.rootpath / path).resolve() for path in self.config.getini("testpaths") or ["."]}
        return whole <= given
