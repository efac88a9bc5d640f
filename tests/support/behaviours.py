"""A pytest plugin that compares the tests with the promises of `behaviours.toml`.

    @pytest.mark.proves("conversations.create")
    async def test_a_conversation_is_created(…): …

A promise is a line `create = "One sentence."` in a table `[conversations]`; its id is `conversations.create`. The run
stops when a test names an id that does not exist, or when a test below one of the paths of the ini setting
`behaviour_tests` names no promise.

A run of the whole suite, or of a part of it that `-m` selects, fails in two cases: a promise has no test at all, or
some of a promise's tests were selected and every one of them was skipped. So two runs, `-m "not slow"` and `-m slow`,
together check what one run of everything checks.

Under pytest-xdist the workers collect the tests and the controller judges: each worker reports its collection at its
end, and the controller sees the verdicts of all workers.
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
MISMATCH = "Tests and promises do not match:"
ID = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
PROBLEMS = "behaviours_problems"
NAMED = "behaviours_named"
SELECTED = "behaviours_selected"
"""The keys under which a worker of pytest-xdist reports its collection to the controller."""

NARROWING = ("keyword", "lf", "stepwise", "deselect", "ignore", "ignore_glob")
"""Options that leave out tests which no other run is certain to run."""

ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""The exit codes of a run that was neither interrupted nor refused."""


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
    """The promises that the tests of one run prove."""

    def __init__(self, config: pytest.Config, promises: dict[str, str]) -> None:
        self.config = config
        self.promises = promises
        self.named: dict[str, list[str]] = {}
        """The collected tests of each promise, by node id."""
        self.selected: set[str] = set()
        """The node ids of the tests that were left after the selection."""
        self.ran: set[str] = set()
        """The node ids of the tests that came to a verdict."""
        self.problems: list[str] = []
        """The tests that do not match the promises."""
        self.unproved: dict[str, str] = {}
        """The reason why nothing proves a promise, known at the end."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Compare every collected test with the promises, before any is deselected.

        Raises:
            pytest.UsageError: some do not match. A worker raises nothing and runs nothing: the controller reports it.
        """
        for item in items:
            ids = [name for marker in item.iter_markers(MARKER) for name in marker.args]
            for name in ids:
                self.named.setdefault(name, []).append(item.nodeid)
            self.problems += [f"{item.nodeid}: unknown promise {name!r}" for name in ids if name not in self.promises]
            if not ids and (self._must_prove(item) or any(item.iter_markers(MARKER))):
                self.problems.append(f"{item.nodeid}: names no promise")
        if self.problems and self._is_worker():
            items.clear()
        elif self.problems:
            raise pytest.UsageError("\n".join([MISMATCH, *self.problems]))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which tests are left after the selection."""
        self.selected = {item.nodeid for item in session.items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that came to a verdict; a skipped one, or one that is expected to fail, proves nothing."""
        if report.outcome == "failed" or (report.when == "call" and report.outcome == "passed"):
            self.ran.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take over what a worker collected; all workers collect the same."""
        output = getattr(node, "workeroutput", {})
        self.problems = output.get(PROBLEMS, self.problems)
        self.named = output.get(NAMED, self.named)
        self.selected = set(output.get(SELECTED, self.selected))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report to the controller, or fail a run that leaves a promise unproved."""
        if self._is_worker():
            report = {PROBLEMS: self.problems, NAMED: self.named, SELECTED: sorted(self.selected)}
            self.config.workeroutput.update(report)  # type: ignore[attr-defined]  # pytest-xdist adds it
            return
        came_to_its_end = session.exitstatus in ENDED and not session.shouldstop and not session.shouldfail
        if came_to_its_end and not self.problems and self._is_whole_run():
            self.unproved = self._find_unproved()
        if self.unproved:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.problems:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the tests that do not match, and the promises that nothing has proved."""
        if self.problems:
            terminalreporter.section(MISMATCH)
        for problem in self.problems:
            terminalreporter.line(problem)
        if self.unproved:
            terminalreporter.section("promises that no test proves")
        for name, reason in self.unproved.items():
            terminalreporter.line(f"{name}: {reason} ({self.promises[name]})")

    def _is_worker(self) -> bool:
        return hasattr(self.config, "workeroutput")

    def _must_prove(self, item: pytest.Item) -> bool:
        paths = [self.config.rootpath / str(path) for path in self.config.getini("behaviour_tests")]
        return any(item.path.is_relative_to(path) for path in paths)

    def _find_unproved(self) -> dict[str, str]:
        without = {name: "no test" for name in self.promises if name not in self.named}
        selected = {name: self.selected.intersection(tests) for name, tests in self.named.items()}
        skipped = {
            name: "its tests were skipped" for name, tests in selected.items() if tests and self.ran.isdisjoint(tests)
        }
        return without | skipped

    def _is_whole_run(self) -> bool:
        """Check that every test was collected and that `-m` alone selected among them."""
        option = self.config.option
        if option.collectonly or any(getattr(option, name, None) for name in NARROWING):
            return False
        if self.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            return True
        given = {Path(argument).resolve() for argument in self.config.args}
        whole = {(self.config.rootpath / path).resolve() for path in self.config.getini("testpaths") or ["."]}
        return whole <= given
