"""The terminal chat as a program, with its input from a pipe or a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import forked_programs
from tests.support.forked_programs import Forked
from tests.support.local_assistant import TOKEN
from tests.support.terminal import Program, on_terminal

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager

    from tests.support.local_assistant import Assistant


PROMPT = "\x1b[?2004h"
"""The program has switched bracketed paste on, so it reads keys now."""

PROGRAM = "tests.support.chat_program"


def piped(url: str, questions: str, *, token: str = TOKEN, conversation: str = "") -> subprocess.CompletedProcess[str]:
    arguments = (url, token, conversation, "")
    return forked_programs.run(Forked(f"{PROGRAM}:main", arguments, Path(), os.environ, questions))


def at_terminal(service: Assistant, history: Path, conversation: str = "") -> AbstractContextManager[Program]:
    environment = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "80", "LINES": "24"}
    command = [sys.executable, "-m", PROGRAM, service.base_url, TOKEN, conversation, str(history)]
    return on_terminal(command, environment)
