"""A chat session: questions, answers and a few commands."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from local.chat.client import ChatError
from local.chat.event_display import show
from local.chat.events import AnswerDone, AnswerFailed
from local.chat.relative_time import relative_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from local.chat.client import ServiceClient
    from local.chat.events import Conversation
    from local.chat.screen import Screen

_SHOWN_MESSAGES = 6
_DRAWINGS_PER_SECOND = 12
_HELP = """\
/new          start a new conversation
/list         list recent conversations
/open N|ID    continue a conversation: number N of the list, or its ID
/help         show this help
/quit         quit (also Ctrl-D, or Ctrl-C at an empty prompt)
Ctrl-C        stop an answer"""


class Session:
    """A session of one user, with one conversation open at a time."""

    def __init__(self, client: ServiceClient, screen: Screen, runner: asyncio.Runner) -> None:
        self._client = client
        self._screen = screen
        # Ctrl-C cancels the running coroutine, and the runner raises KeyboardInterrupt here.
        self._run = runner.run
        self._conversation: Conversation | None = None
        self._listed: list[Conversation] = []

    def start(self, conversation_id: str | None) -> None:
        """Open a conversation; without an ID, only check that the service answers.

        A new conversation is created with its first question.

        Raises:
            ChatError: the service does not answer, or has no such conversation.
        """
        if conversation_id is None:
            self._run(self._client.recent(limit=1))
        else:
            self._open(conversation_id)

    def handle_all(self, lines: Iterable[str], *, is_interactive: bool) -> int:
        """Handle all lines up to /quit; return the number of failures.

        Raises:
            KeyboardInterrupt: Ctrl-C stopped an answer in a session that is not interactive.
        """
        failures = 0
        for line in lines:
            if line in {"/quit", "/exit"}:
                break
            try:
                failures += not self._handle(line)
            except ChatError as error:
                self._screen.error(str(error))
                failures += 1
            except KeyboardInterrupt:
                if not is_interactive:
                    raise
        return failures

    def _handle(self, line: str) -> bool:
        command, _, argument = line.partition(" ")
        match command:
            case "":
                return True
            case "/new":
                self._conversation = None
                self._screen.note("Your next question starts a new conversation.")
            case "/list":
                self._list()
            case "/open":
                self._open(self._named(argument.strip()))
            case "/help":
                self._screen.note(_HELP)
            case _ if command.startswith("/") and "/" not in command[1:]:
                raise ChatError(f"{command} is not a command. /help lists the commands.")
            case _:
                return self._ask(line)
        return True

    def _ask(self, question: str) -> bool:
        with self._screen.answering():
            try:
                return self._run(self._answer(question))
            except KeyboardInterrupt:
                self._screen.note("Stopped.")
                # A second Ctrl-C also means this answer.
                with suppress(KeyboardInterrupt):
                    if self._conversation is not None:
                        self._run(self._client.stop(self._conversation.id))
                raise

    async def _answer(self, question: str) -> bool:
        """Show an answer; return whether it is complete."""
        if self._conversation is None:
            self._conversation = await self._client.create()
        is_complete = None
        async with _drawing(self._screen), aclosing(self._client.answer(self._conversation.id, question)) as events:
            async for event in events:
                show(event, self._screen)
                if isinstance(event, AnswerDone | AnswerFailed):
                    is_complete = isinstance(event, AnswerDone)
        if is_complete is None:
            raise ChatError("The connection ended before the answer was complete.")
        return is_complete

    def _list(self) -> None:
        self._listed = self._run(self._client.recent())
        for number, conversation in enumerate(self._listed, start=1):
            self._screen.note(f"{number:>3}  {_summary(conversation)}")
        if not self._listed:
            self._screen.note("There are no conversations yet.")

    def _named(self, name: str) -> str:
        """Return the ID of a conversation that is given by its number in the list or by its ID."""
        if not name:
            raise ChatError("/open needs the number of a conversation in /list, or its ID.")
        if not name.isdecimal():
            return name
        self._listed = self._listed or self._run(self._client.recent())
        if not 1 <= int(name) <= len(self._listed):
            raise ChatError(f"The list has no conversation {name}.")
        return str(self._listed[int(name) - 1].id)

    def _open(self, conversation_id: str) -> None:
        self._conversation = self._run(self._client.conversation(conversation_id))
        self._screen.note(_summary(self._conversation))
        for message in [message for message in self._conversation.messages if message.text][-_SHOWN_MESSAGES:]:
            if message.role == "user":
                self._screen.note(f"> {message.text}")
            else:
                self._screen.text(message.text)
                self._screen.finish_text()


def _summary(conversation: Conversation) -> str:
    return f"{conversation.title or 'Untitled'} · {relative_time(conversation.updated_at)}"


@asynccontextmanager
async def _drawing(screen: Screen) -> AsyncIterator[None]:
    async def draw() -> None:
        while True:
            screen.tick()
            await asyncio.sleep(1 / _DRAWINGS_PER_SECOND)

    drawing = asyncio.create_task(draw())
    try:
        yield
    finally:
        drawing.cancel()
