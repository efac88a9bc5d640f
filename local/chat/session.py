"""A chat session: questions, answers and a few commands."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from local.chat.client import ChatError
from local.chat.commands import HELP, Command, command_in
from local.chat.endings import ending_of_done, ending_of_failure, ending_of_stored
from local.chat.event_display import show
from local.chat.events import AnswerDone, AnswerFailed, TextAdded
from local.chat.receipt_lines import receipt_lines
from local.chat.relative_time import relative_time
from shared.domain.approvals import APPROVAL_REQUIRED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
    from uuid import UUID

    from local.chat.client import ServiceClient
    from local.chat.endings import Ending
    from local.chat.events import Conversation, Event
    from local.chat.screen import Screen

_SHOWN_MESSAGES = 6
_DRAWINGS_PER_SECOND = 12
_GO_ON = "Please go on."


class Session:
    """A session of one user, with one conversation open at a time."""

    def __init__(self, client: ServiceClient, screen: Screen, runner: asyncio.Runner) -> None:
        self._client = client
        self._screen = screen
        # Ctrl-C cancels the running coroutine, and the runner raises KeyboardInterrupt here.
        self._run = runner.run
        self._conversation: Conversation | None = None
        self._listed: list[Conversation] = []
        self._question: str | None = None
        self._ending: Ending | None = None
        self.confirms: Callable[[str], bool] = lambda _question: True
        self.is_interactive = False
        """Whether a person can be asked for approvals. Otherwise they stay open."""
        self._waits_for_approval = False

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

    def handle_all(self, texts: Iterable[str]) -> None:
        """Handle questions and commands up to /quit; failures are shown, and Ctrl-C only stops an answer."""
        for text in texts:
            if text in {"/quit", "/exit"}:
                break
            with suppress(KeyboardInterrupt):
                self.handle(text)

    def handle(self, text: str) -> bool:
        """Handle a question or a command; return whether it was successful.

        Raises:
            KeyboardInterrupt: Ctrl-C stopped the answer.
        """
        command = command_in(text)
        try:
            if command is not None:
                self._do(command)
            elif text:
                return self._ask(text)
        except ChatError as error:
            self._screen.error(str(error))
            return False
        return True

    def _do(self, command: Command) -> None:
        actions: dict[str, Callable[[], object]] = {
            "/new": self._begin,
            "/list": lambda: self._list(""),
            "/search": lambda: self._list(_required(command, "the words to search for")),
            "/open": lambda: self._open(
                self._named(_required(command, "the number of a listed conversation, or its ID"))
            ),
            "/resume": self._resume,
            "/rename": lambda: self._rename(_required(command, "a title")),
            "/delete": lambda: self._delete(command.argument),
            "/continue": self._go_on,
            "/retry": self._retry,
            "/good": lambda: self._rate(1, command.argument),
            "/bad": lambda: self._rate(-1, command.argument),
            "/help": lambda: self._screen.note(HELP),
        }
        if command.name not in actions:
            raise ChatError(f"{command.name} is not a command. /help lists the commands.")
        actions[command.name]()

    def _begin(self) -> None:
        self._conversation, self._question, self._ending = None, None, None
        self._screen.note("Your next question starts a new conversation.")

    def _ask(self, question: str, replaces: UUID | None = None) -> bool:
        self._question = question
        return self._decided(is_complete=self._show_answer(self._answer(question, replaces)))

    def _decided(self, *, is_complete: bool) -> bool:
        """Ask for the decisions that the conversation waits for, and show the answers that go on."""
        while self._waits_for_approval and self.is_interactive:
            word = "approve" if self.confirms("Approve this?") else "reject"
            is_complete = self._show_answer(self._answer(word, None))
        return is_complete

    def _show_answer(self, answer: AsyncGenerator[Event, None]) -> bool:
        self._ending = None
        with self._screen.answering():
            try:
                is_complete = self._run(self._show(answer))
            except KeyboardInterrupt:
                self._screen.note("Stopped.")
                # A second Ctrl-C also means this answer.
                with suppress(KeyboardInterrupt):
                    if self._conversation is not None:
                        self._run(self._client.stop(self._conversation.id))
                raise
        self._offer()
        return is_complete

    async def _answer(self, question: str, replaces: UUID | None) -> AsyncGenerator[Event, None]:
        if self._conversation is None:
            self._conversation = await self._client.create()
        async with aclosing(self._client.answer(self._conversation.id, question, replaces)) as events:
            async for event in events:
                yield event

    async def _show(self, answer: AsyncGenerator[Event, None]) -> bool:
        """Show an answer; return whether it is complete."""
        is_complete, has_text = None, False
        self._waits_for_approval = False
        async with _drawing(self._screen), aclosing(answer) as events:
            async for event in events:
                show(event, self._screen)
                has_text = has_text or isinstance(event, TextAdded)
                if isinstance(event, AnswerDone):
                    is_complete, self._ending = True, ending_of_done(event)
                    self._waits_for_approval = event.stop_reason == APPROVAL_REQUIRED
                elif isinstance(event, AnswerFailed):
                    is_complete, self._ending = False, ending_of_failure(event, has_text=has_text)
        if is_complete is None:
            raise ChatError("The connection ended before the answer was complete. /resume shows what is stored of it.")
        return is_complete

    def _offer(self) -> None:
        if self._ending is not None and self._ending.hint:
            self._screen.note(self._ending.hint)

    def _go_on(self) -> None:
        if self._conversation is None:
            raise ChatError("No conversation is open.")
        self._ask(_GO_ON)

    def _retry(self) -> None:
        """Ask the last question again. It replaces the stored one, if the service has stored it."""
        stored = None
        if self._conversation is not None:
            stored = self._run(self._client.conversation(str(self._conversation.id))).last_question
        question = self._question or (stored.text if stored else None)
        if question is None:
            raise ChatError("There is no question to ask again.")
        self._ask(question, stored.id if stored is not None and stored.text == question else None)

    def _rate(self, rating: int, comment: str) -> None:
        """Rate the last answer, with a comment that may be empty."""
        if self._conversation is None:
            raise ChatError("No conversation is open.")
        answer = self._run(self._client.conversation(str(self._conversation.id))).last_answer
        if answer is None or answer.id is None:
            raise ChatError("There is no answer to rate.")
        self._run(self._client.rate(self._conversation.id, answer.id, rating, comment))
        self._screen.note("Thank you, your feedback is noted.")

    def _list(self, query: str) -> None:
        self._listed = self._run(self._client.recent(query=query))
        for number, conversation in enumerate(self._listed, start=1):
            self._screen.note(f"{number:>3}  {_summary(conversation)}")
            if query and conversation.snippet:
                self._screen.note(f"     {' '.join(conversation.snippet.split())}")
        if not self._listed:
            self._screen.note("Nothing found." if query else "There are no conversations yet.")

    def _named(self, name: str) -> str:
        """Return the ID of a conversation that is given by its number in the list or by its ID."""
        if not name.isdecimal():
            return name
        self._listed = self._listed or self._run(self._client.recent())
        if not 1 <= int(name) <= len(self._listed):
            raise ChatError(f"The list has no conversation {name}.")
        return str(self._listed[int(name) - 1].id)

    def _resume(self) -> None:
        newest = self._run(self._client.recent(limit=1))
        if not newest:
            raise ChatError("There are no conversations yet.")
        self._open(str(newest[0].id))

    def _open(self, conversation_id: str) -> None:
        conversation = self._run(self._client.conversation(conversation_id))
        self._conversation, self._question, self._ending = conversation, None, None
        self._screen.note(_summary(conversation))
        self._show_stored(conversation)
        if conversation.is_answering:
            self._screen.note("The answer is still running:")
            self._show_answer(self._client.running_answer(conversation.id))
        elif conversation.messages:
            self._ending = ending_of_stored(conversation.messages[-1])
            if self._ending is not None:
                self._screen.note(f"Interrupted: {self._ending.text}")
            self._offer()
            self._waits_for_approval = conversation.approval is not None
            self._decided(is_complete=True)

    def _show_stored(self, conversation: Conversation) -> None:
        """Show the last messages; an answer that is running is told from its beginning afterwards."""
        messages = [message for message in conversation.messages if message.text or message.receipts]
        while conversation.is_answering and messages and messages[-1].role != "user":
            messages.pop()
        for message in messages[-_SHOWN_MESSAGES:]:
            for call in message.receipts:
                for line in receipt_lines(call):
                    self._screen.note(line)
            if message.role == "user" and message.text:
                self._screen.note(f"> {message.text}")
            elif message.text:
                self._screen.text(message.text)
                self._screen.finish_text()

    def _rename(self, title: str) -> None:
        if self._conversation is None:
            raise ChatError("No conversation is open.")
        renamed = self._run(self._client.rename(self._conversation.id, title))
        self._screen.note(f"Title: {renamed.title}")

    def _delete(self, name: str) -> None:
        if not name and self._conversation is None:
            raise ChatError("No conversation is open. /delete N deletes one of the last list.")
        identifier = self._named(name) if name or self._conversation is None else str(self._conversation.id)
        chosen = self._run(self._client.conversation(identifier))
        if not self.confirms(f"Delete “{chosen.title or 'Untitled'}” permanently?"):
            return
        self._run(self._client.delete(chosen.id))
        self._listed = [one for one in self._listed if one.id != chosen.id]
        if self._conversation is not None and self._conversation.id == chosen.id:
            self._conversation, self._question, self._ending = None, None, None
        self._screen.note("Deleted.")


def _required(command: Command, what: str) -> str:
    if not command.argument:
        raise ChatError(f"{command.name} needs {what}.")
    return command.argument


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
