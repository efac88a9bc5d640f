"""The `chat` command: a session on the program's input and output, in a terminal or not."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console

from local.chat.client import ChatError, ServiceClient
from local.chat.question_input import Typist, piped_question
from local.chat.screen import PlainScreen
from local.chat.session import Session
from local.chat.terminal import TerminalScreen

if TYPE_CHECKING:
    from pathlib import Path

    from local.chat.access import Access
    from local.chat.screen import Screen

_INTERRUPTED: Final = 130


def chat(access: Access, *, conversation_id: str | None = None, history_file: Path | None = None) -> int:
    """Chat with the service until the user or the input ends the session; return the exit status.

    If input or output is not a terminal, the whole input is one question or one command, and the status is 1 if it
    failed.
    """
    screen = _screen()
    try:
        with asyncio.Runner() as runner:
            client = ServiceClient(access)
            try:
                return _converse(Session(client, screen, runner), conversation_id, screen, history_file)
            finally:
                runner.run(client.aclose())
    except ChatError as error:
        screen.error(str(error))
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # At exit, Python would report an error for the output that it could not write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        # The program ends now. Another Ctrl-C would only make the interpreter's own exit print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _converse(session: Session, conversation_id: str | None, screen: Screen, history_file: Path | None) -> int:
    if not _is_interactive():
        session.start(conversation_id)
        return int(not session.handle(piped_question(sys.stdin)))
    session.confirms = Typist.confirms
    session.is_interactive = True
    session.start(conversation_id)
    typist = Typist(history_file)
    screen.note("Ask about your projects; /help shows the commands.")
    session.handle_all(typist.questions())
    return 0


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _screen() -> Screen:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # The terminal's encoding may lack characters of an answer.
            stream.reconfigure(errors="replace")
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalScreen(console)
    return PlainScreen(sys.stdout, sys.stderr)
