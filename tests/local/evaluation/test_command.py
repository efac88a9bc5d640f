"""The command `eval`, run as a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.proves("eval.cases")
def test_an_evaluation_that_cannot_begin_ends_with_2(tmp_path: Path) -> None:
    for arguments, problem in (
        (("none.toml", "--url", "http://127.0.0.1:1", "--token", "t"), "none.toml: cannot be read"),
        (("demo", "--url", "http://127.0.0.1:1", "--token", "t"), "No assistant is running at http://127.0.0.1:1"),
        (("demo", "other.toml", "--url", "http://127.0.0.1:1", "--token", "t"), "eval: name one file of cases"),
        (("add", "7", "--url", "http://127.0.0.1:1", "--token", "t"), "'7' is not the id of a message."),
        (("demo", "--jobs", "0"), "'0' is not a number from 1 to 32"),
        ((), "usage:"),
    ):
        refused = run(tmp_path, "eval", *arguments)
        assert (refused.returncode, refused.stdout) == (2, ""), refused
        assert problem in refused.stderr
        assert "Traceback" not in refused.stderr
