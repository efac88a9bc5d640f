"""The terminal chat as a program, with its input from a pipe or a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.local_assistant import TOKEN
from tests.support.terminal import Program, on_terminal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.local_assistant import Assistant


PROMPT = "\x1b[?2004h"
"""The program has switched bracketed paste on, so it reads keys now."""

# A terminal's program reads Ctrl-C as a signal only where the terminal is its session's own.
_PROGRAM = """
import os, sys
from pathlib import Path
from local.chat import chat, given
if os.isatty(0):
    os.close(os.open(os.ttyname(0), os.O_RDWR))
url, token, conversation, history = sys.argv[1:]
sys.exit(chat(given(url, token), conversation_id=conversation or None, history_file=Path(history)))
"""


def command(url: str, *, token: str = TOKEN, conversation: str = "", history: str = "") -> list[str]:
    return [sys.executable, "-c", _PROGRAM, url, token, conversation, history]


def piped(url: str, questions: str, *, token: str = TOKEN, conversation: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # the tests' own command
        command(url, token=token, conversation=conversation),
        input=questions,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


def at_terminal(service: Assistant, history: Path, conversation: str = "") -> AbstractContextManager[Program]:
    environment = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "80", "LINES": "24"}
    return on_terminal(command(service.base_url, conversation=conversation, history=str(history)), environment)
