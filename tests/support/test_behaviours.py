"""The plugin that compares tests and promises, on small suites of its own."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PROMISES = '[a]\none = "The first."\n[a.deep]\ntwo = "The second."\n'
ONE = 'import pytest\n@pytest.mark.proves("a.one")\ndef test_one(): pass\n'
TWO = '@pytest.mark.proves("a.deep.two")\ndef test_two(): pass\n'


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makefile(".toml", promises=PROMISES)
    pytester.makeini("[pytest]\nbehaviours = promises.toml\naddopts = --strict-markers --disable-plugin-autoload")
    pytester.makeconftest('pytest_plugins = ["tests.support.behaviours"]')
    return pytester


def run(suite: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    suite.makepyfile(source)
    return suite.runpytest_inprocess(*arguments)


def test_a_suite_that_proves_everything_passes(suite: pytest.Pytester) -> None:
    result = run(suite, ONE + TWO + "def test_of_no_promise(): pass")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=3)


def test_an_unknown_promise_stops_the_collection(suite: pytest.Pytester) -> None:
    result = run(suite, ONE + '@pytest.mark.proves("a.one", "a.three")\ndef test_three(): pass')
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*Tests and promises do not match:*", "*::test_three: unknown promise 'a.three'*"])


def test_a_marker_without_a_promise_stops_the_collection(suite: pytest.Pytester) -> None:
    result = run(suite, ONE + TWO + "@pytest.mark.proves()\ndef test_three(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*::test_three: names no promise*"])


def test_a_test_of_behaviour_names_a_promise(suite: pytest.Pytester) -> None:
    source = {"behaviour/test_a": ONE + TWO + "def test_three(): pass", "test_b": "def test_free(): pass"}
    suite.mkdir("behaviour")
    suite.makepyfile(**source)
    result = suite.runpytest_inprocess("-o", "behaviour_tests=behaviour")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*::test_three: names no promise*"])
    assert "test_free" not in result.stderr.str()


def test_a_promise_without_a_test_fails_the_whole_run(suite: pytest.Pytester) -> None:
    result = run(suite, ONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*promises that no test proves*", "a.deep.two: no test (The second.)"])


@pytest.mark.parametrize(
    "silencer",
    ["@pytest.mark.skip", "@pytest.mark.skipif(True, reason='')", "@pytest.mark.xfail(run=False)"],
)
def test_a_promise_whose_tests_are_skipped_fails_the_whole_run(suite: pytest.Pytester, silencer: str) -> None:
    result = run(suite, f"{ONE}{silencer}\n{TWO}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["a.deep.two: its tests were skipped (The second.)"])


def test_one_test_that_runs_is_enough(suite: pytest.Pytester) -> None:
    result = run(suite, f"{ONE}{TWO}@pytest.mark.skip\n" + TWO.replace("test_two", "test_again"))
    assert result.ret == pytest.ExitCode.OK


def test_a_failing_test_speaks_for_itself(suite: pytest.Pytester) -> None:
    result = run(suite, ONE + TWO.replace("pass", "assert False"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "no test proves" not in result.stdout.str()


@pytest.mark.parametrize(
    "selection", [("-k", "one"), ("--deselect", "x"), ("--lf",), ("--collect-only",), ("test_a.py",)]
)
def test_a_selection_is_not_held_to_the_whole(suite: pytest.Pytester, selection: tuple[str, ...]) -> None:
    suite.makepyfile(test_a=ONE)
    assert suite.runpytest_inprocess(*selection).ret == pytest.ExitCode.OK


SLOW = "-o", "markers=slow: slow"
SPLIT = f"{ONE}@pytest.mark.slow\n{TWO}"


@pytest.mark.parametrize("marks", ["slow", "not slow"])
def test_each_part_of_a_split_suite_answers_for_its_own_tests(suite: pytest.Pytester, marks: str) -> None:
    result = run(suite, SPLIT, *SLOW, "-m", marks)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1, deselected=1)


@pytest.mark.parametrize("marks", ["slow", "not slow"])
def test_each_part_of_a_split_suite_fails_for_a_promise_without_any_test(suite: pytest.Pytester, marks: str) -> None:
    result = run(suite, SPLIT.replace("a.deep.two", "a.one"), *SLOW, "-m", marks)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["a.deep.two: no test (The second.)"])


def test_a_part_of_a_split_suite_fails_where_its_tests_are_skipped(suite: pytest.Pytester) -> None:
    source = SPLIT.replace("@pytest.mark.slow", "@pytest.mark.skip\n@pytest.mark.slow")
    assert run(suite, source, *SLOW, "-m", "not slow").ret == pytest.ExitCode.OK
    result = run(suite, source, *SLOW, "-m", "slow")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["a.deep.two: its tests were skipped (The second.)"])


WORKERS = "-p", "xdist.plugin", "-p", "xdist.looponfail", "-n", "2"


@pytest.mark.parametrize(
    ("second", "outcome", "line"),
    [
        (TWO, pytest.ExitCode.OK, "*2 passed*"),
        ("", pytest.ExitCode.TESTS_FAILED, "a.deep.two: no test (The second.)"),
        (f"@pytest.mark.skip\n{TWO}", pytest.ExitCode.TESTS_FAILED, "a.deep.two: its tests were skipped (The second.)"),
        (TWO.replace("a.deep", "a.no"), pytest.ExitCode.USAGE_ERROR, "*::test_two: unknown promise 'a.no.two'"),
    ],
)
def test_several_workers_are_judged_together(
    suite: pytest.Pytester, second: str, outcome: pytest.ExitCode, line: str
) -> None:
    suite.makepyfile(test_a=ONE, test_b=f"import pytest\n{second}")
    result = suite.runpytest_inprocess(*WORKERS)
    assert result.ret == outcome
    result.stdout.fnmatch_lines([line])


def test_the_whole_may_be_named(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_a=ONE)
    assert suite.runpytest_inprocess(".").ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_from_below_is_a_selection(suite: pytest.Pytester) -> None:
    suite.mkdir("below")
    suite.makepyfile(**{"below/test_a": ONE})
    assert suite.runpytest_inprocess("below").ret == pytest.ExitCode.OK


def test_a_run_that_stopped_early_is_not_held_to_the_whole(suite: pytest.Pytester) -> None:
    result = run(suite, ONE.replace("pass", "assert False") + TWO, "-x")
    assert "no test proves" not in result.stdout.str()


def test_no_test_at_all_fails_the_whole_run(suite: pytest.Pytester) -> None:
    assert suite.runpytest_inprocess().ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("promises", "message"),
    [
        ("[a", "promises.toml: *"),
        ('one = "No table."', "*not an id with a sentence: one"),
        ('[a]\nOne = "Bad id."', "*not an id with a sentence: a.One"),
        ('[a]\none = "No sentence"', "*not an id with a sentence: a.one"),
        ('[a]\none = "Twice."\none = "Twice."', "promises.toml: *"),
    ],
)
def test_a_file_that_is_no_list_of_promises_is_refused(suite: pytest.Pytester, promises: str, message: str) -> None:
    suite.makefile(".toml", promises=promises)
    result = run(suite, ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}*"])


def test_a_missing_file_is_named(suite: pytest.Pytester) -> None:
    result = run(suite, ONE, "-o", "behaviours=elsewhere.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*elsewhere.toml*"])
