"""A session at the terminal: questions, answers and a few commands."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from local.chat.age import age
from local.chat.events import AnswerDone, AnswerFailed
from local.chat.narration import show
from local.chat.service import ChatError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from local.chat.events import Conversation
    from local.chat.screen import Screen
    from local.chat.service import Service

_SHOWN_MESSAGES = 6
_DRAWINGS_PER_SECOND = 12
_HELP = """\
/new          begin a new conversation
/list         show recent conversations
/open N|ID    go on with one of them
/help         show this
/quit         end (also Ctrl-D, or Ctrl-C at an empty prompt)
Ctrl-C        stop an answer"""


class Session:
    """One user's conversations with the service, one after the other."""

    def __init__(self, service: Service, screen: Screen, runner: asyncio.Runner) -> None:
        self._service = service
        self._screen = screen
        # While it runs something, Ctrl-C cancels that and is raised here as KeyboardInterrupt.
        self._run = runner.run
        self._conversation: Conversation | None = None
        self._listed: list[Conversation] = []

    def start(self, conversation_id: str | None) -> None:
        """Open a conversation, or see whether the service answers: a conversation begins with its first question.

        Raises:
            ChatError: it does not answer, or has no such conversation.
        """
        if conversation_id is None:
            self._run(self._service.recent(limit=1))
        else:
            self._open(conversation_id)

    def handle_all(self, lines: Iterable[str], *, is_interactive: bool) -> int:
        """Handle lines to their end or to /quit; return how many failed.

        Raises:
            KeyboardInterrupt: an answer was stopped where nobody is there to ask the next question.
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
                self._screen.note("A new conversation begins with your next question.")
            case "/list":
                self._list()
            case "/open":
                self._open(self._named(argument.strip()))
            case "/help":
                self._screen.note(_HELP)
            case _ if command.startswith("/") and "/" not in command[1:]:
                raise ChatError(f"{command} is no command: /help shows them.")
            case _:
                return self._ask(line)
        return True

    def _ask(self, question: str) -> bool:
        with self._screen.answering():
            try:
                return self._run(self._answer(question))
            except KeyboardInterrupt:
                self._screen.note("Stopped.")
                # A second Ctrl-C is about the same answer.
                with suppress(KeyboardInterrupt):
                    if self._conversation is not None:
                        self._run(self._service.stop(self._conversation.id))
                raise

    async def _answer(self, question: str) -> bool:
        """Show an answer; say whether it is complete."""
        if self._conversation is None:
            self._conversation = await self._service.create()
        is_complete = None
        async with _drawing(self._screen), aclosing(self._service.answer(self._conversation.id, question)) as events:
            async for event in events:
                show(event, self._screen)
                if isinstance(event, AnswerDone | AnswerFailed):
                    is_complete = isinstance(event, AnswerDone)
        if is_complete is None:
            raise ChatError("The connection ended before the answer was complete.")
        return is_complete

    def _list(self) -> None:
        self._listed = self._run(self._service.recent())
        for number, conversation in enumerate(self._listed, start=1):
            self._screen.note(f"{number:>3}  {conversation.title or 'Untitled'} · {age(conversation.updated_at)}")
        if not self._listed:
            self._screen.note("There are no conversations yet.")

    def _named(self, name: str) -> str:
        """Find the identifier of a conversation that is named by its number in the list, or by itself."""
        if not name:
            raise ChatError("/open needs a conversation's number in /list, or its ID.")
        if not name.isdecimal():
            return name
        self._listed = self._listed or self._run(self._service.recent())
        if not 1 <= int(name) <= len(self._listed):
            raise ChatError(f"There is no conversation {name} in the list.")
        return str(self._listed[int(name) - 1].id)

    def _open(self, conversation_id: str) -> None:
        self._conversation = self._run(self._service.conversation(conversation_id))
        self._screen.note(f"{self._conversation.title or 'Untitled'} · {age(self._conversation.updated_at)}")
        for message in [message for message in self._conversation.messages if message.spoken][-_SHOWN_MESSAGES:]:
            if message.role == "user":
                self._screen.note(f"> {message.spoken}")
            else:
                self._screen.text(message.spoken)
                self._screen.finish_text()


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
