"""A running answer, joined again by a client that lost its connection, or by another one."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

from shared.agent.idempotent_replay import ReplayedAnswer
from shared.agent.outcome import UNKNOWN, Interruption, failure_of
from shared.agent.visible_text import VisibleText
from shared.chat.followers import AnswerGone, FollowingEnded
from shared.domain.errors import AssistantError
from shared.domain.events import (
    AnswerFailed,
    AnswerRestarted,
    AnswerStored,
    BlockFinished,
    TextAdded,
    ToolCallBegun,
    ToolStarted,
)
from shared.domain.replaced_questions import is_question
from shared.graph.frames import TAG_LENGTH, Place
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    from shared.chat.followers import Followers
    from shared.domain.events import AnswerEvent
    from shared.domain.models import StoredMessage
    from shared.graph.conversations import Conversations
    from shared.graph.repositories import Repositories

_EVENT_ID = bounded(rf"([0-9a-f]{{{TAG_LENGTH}}})-([0-9]{{1,9}})", limit=64)
_FRAME = re.compile(rb"id: [^\n]*\nevent: ([a-z_]+)\ndata: (.*)\n\n")
_NOT_READ = AnswerFailed("The answer cannot be shown now. Please reload the conversation.", "internal", retryable=True)
_TOO_LONG = AnswerFailed("The connection exceeded its time limit. Please reload.", "deadline", retryable=True)


class RejoinedAnswer:
    """The rest of an answer, from a place on."""

    def __init__(self, followers: Followers, conversations: Conversations, place: Place, email: str) -> None:
        """Take the place; `email` is the owner of the conversation."""
        self._followers = followers
        self._conversations = conversations
        self._place = place
        self._email = email
        self._visible = VisibleText()
        self._has_ended = False
        self._number = place.after

    @property
    def next_id(self) -> bytes:
        """The id of the next event that is not a frame of the answer."""
        self._number += 1
        return f"{self._place.answer[:TAG_LENGTH]}-{self._number}".encode()

    async def items(self) -> AsyncGenerator[bytes | AnswerEvent, None]:
        """Yield the answer's frames, and then the events for its end if the frames have none."""
        try:
            async with aclosing(self._followers.follow(self._place)) as frames:
                async for frame in frames:
                    self._note(frame)
                    yield frame
        except AnswerGone:
            if self._has_ended:
                return
            for event in await self._ending():
                yield event
        except FollowingEnded:
            if not self._has_ended:
                yield _NOT_READ

    def end_of(self, reason: Interruption) -> AnswerFailed | None:
        """Return the event that ends the following early; None if the client is gone or the answer has ended."""
        return _TOO_LONG if reason is Interruption.DEADLINE and not self._has_ended else None

    def _note(self, frame: bytes) -> None:
        """Remember what the user sees, for the end of an answer whose process has died."""
        self._number += 1
        match = _FRAME.fullmatch(frame)
        match match[1] if match else b"":
            case b"text":
                self._visible.follow(TextAdded(str(orjson.loads(match[2] if match else b"{}")["text"])))
            case b"tool_use_start":
                self._visible.follow(ToolCallBegun("", ""))
            case b"tool_executing":
                self._visible.follow(ToolStarted("", ""))
            case b"done" | b"error":
                self._has_ended = True
            case _:
                pass

    async def _ending(self) -> list[AnswerEvent]:
        """Return the events for an answer whose last frames are missing: from the store, or its failure."""
        try:
            _, messages = await self._conversations.get(self._place.conversation_id, self._email)
        except AssistantError as error:
            return [failure_of(error)]
        exchange = _exchange(messages, self._place.answer)
        if exchange and exchange[0].outcome:
            restart: list[AnswerEvent] = [AnswerRestarted()] if self._number else []
            return [*restart, *await _stored(exchange)]
        words = self._visible.last_words(UNKNOWN)
        told: list[AnswerEvent] = [TextAdded(words), BlockFinished()] if words else []
        return [*told, UNKNOWN]


async def rejoin(
    repositories: Repositories, followers: Followers, conversation_id: UUID, email: str, last_event_id: str | None
) -> RejoinedAnswer | None:
    """Return the rest of a conversation's running answer after an event; None if nothing is left to tell.

    An answer that has ended meanwhile is told to a client that has the id of one of its events.

    Raises:
        ConversationNotFound: the user has no such conversation.
        TooManyStreams: too many clients follow answers in this process.
        GraphUnavailable: the database cannot be reached.
    """
    await repositories.conversations.require(conversation_id, email)
    match = _EVENT_ID.fullmatch(last_event_id or "")
    tag, number = (match[1], int(match[2])) if match else ("", 0)
    running, found = await repositories.frames.find(conversation_id, tag)
    if running is not None:
        place = Place(running, conversation_id, number if running.startswith(tag) and tag else 0)
    elif found is not None:
        answer, last, has_ended = found
        if has_ended and number >= last - 1:
            return None
        place = Place(answer, conversation_id, number)
    else:
        asked = await _question(repositories.conversations, conversation_id, email, tag) if tag else None
        if asked is None:
            return None
        place = Place(str(asked.id), conversation_id, number)
    followers.check_limit()
    return RejoinedAnswer(followers, repositories.conversations, place, email)


async def _question(conversations: Conversations, conversation_id: UUID, email: str, tag: str) -> StoredMessage | None:
    _, messages = await conversations.get(conversation_id, email)
    return next((each for each in messages if is_question(each) and str(each.id).startswith(tag)), None)


def _exchange(messages: Sequence[StoredMessage], answer: str) -> Sequence[StoredMessage]:
    """Return the question that an answer belongs to, by the answer's id or else the last one, and its messages."""
    questions = [index for index, message in enumerate(messages) if is_question(message)]
    if not questions:
        return ()
    start = next((index for index in questions if str(messages[index].id) == answer), questions[-1])
    end = next((index for index in questions if index > start), len(messages))
    return messages[start:end]


async def _stored(exchange: Sequence[StoredMessage]) -> list[AnswerEvent]:
    events: list[AnswerEvent] = []

    async def keep(event: AnswerEvent) -> None:  # the signature of `run`
        events.append(event)

    await ReplayedAnswer(exchange[1:], exchange[0].outcome).run(keep)
    assert isinstance(events[-1], AnswerStored | AnswerFailed)  # noqa: S101  # every replay ends so
    return events
