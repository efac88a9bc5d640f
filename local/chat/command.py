"""The command: a session on whatever the program's input and output are."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console

from local.chat.prompt import kept_history, piped_lines, typed_lines
from local.chat.screen import PlainScreen
from local.chat.service import ChatError, Service
from local.chat.session import Session
from local.chat.terminal import TerminalScreen

if TYPE_CHECKING:
    from pathlib import Path

    from local.chat.screen import Screen

_INTERRUPTED: Final = 130


def chat(*, base_url: str, token: str, conversation_id: str | None = None, history_file: Path | None = None) -> int:
    """Talk with the service until the user or the input ends; return the exit status.

    `base_url` includes the prefix of the routes. Where input or output is no terminal, each line of the input is a
    question, and the status is 1 if any of them failed.
    """
    screen = _screen()
    try:
        with asyncio.Runner() as runner, kept_history(history_file if _is_interactive() else None):
            service = Service(base_url, token)
            try:
                return _converse(Session(service, screen, runner), conversation_id, screen)
            finally:
                runner.run(service.aclose())
    except ChatError as error:
        screen.error(str(error))
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python would complain at exit about what it could not write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _converse(session: Session, conversation_id: str | None, screen: Screen) -> int:
    session.start(conversation_id)
    if not _is_interactive():
        return int(session.handle_all(piped_lines(sys.stdin), is_interactive=False) > 0)
    screen.note("Ask about your projects; /help shows the commands.")
    session.handle_all(typed_lines(), is_interactive=True)
    return 0


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _screen() -> Screen:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows fewer characters than the model is no reason to fail.
            stream.reconfigure(errors="replace")
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalScreen(console)
    return PlainScreen(sys.stdout, sys.stderr)
