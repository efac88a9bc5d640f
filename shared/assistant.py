"""An answer from end to end: the question stored, the turn run, its rounds stored, the title chosen."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from shared import times
from shared.agent.events import AnswerStored, TitleChosen
from shared.agent.ports import ModelRequest
from shared.agent.replay import replay
from shared.agent.title import choose_title
from shared.agent.transcript import record
from shared.agent.turn import converse
from shared.models import Message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    from shared.agent.events import AnswerEvent, TurnEvent
    from shared.agent.ports import Model
    from shared.agent.prompt import PromptWriter
    from shared.graph.conversations import Conversations
    from shared.models import Caller, Conversation
    from shared.settings import Settings
    from shared.tools.links import UrlPatterns
    from shared.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Assistant:
    """All that answers are made of, shared by every request of the process."""

    settings: Settings
    model: Model
    toolbox: Toolbox
    patterns: UrlPatterns
    prompts: PromptWriter
    conversations: Conversations

    async def answer(self, caller: Caller, conversation_id: UUID, content: str) -> AsyncGenerator[AnswerEvent, None]:
        """Store a question and give the stream of its answer; nothing is asked of the model before that is read.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
            ConversationFull: it holds as many messages as it may.
            GraphUnavailable: the database cannot be reached.
        """
        email = caller.principal.subject
        question = Message(id=uuid4(), role="user", content=content, created_at=times.now())
        limit = self.settings.max_conversation_turns
        conversation, earlier = await self.conversations.begin_turn(conversation_id, email, question, limit=limit)
        return self._answered(caller, conversation, [*earlier, question])

    async def warm_up(self) -> None:
        """Fetch what every turn needs and is kept for all of them."""
        await asyncio.gather(self.patterns.text(), self.toolbox.ensure_loaded())

    async def aclose(self) -> None:
        """Close the model's and the tools' connections."""
        await self.model.aclose()
        await self.toolbox.aclose()
        await self.patterns.aclose()

    async def _answered(
        self, caller: Caller, conversation: Conversation, messages: Sequence[Message]
    ) -> AsyncGenerator[AnswerEvent, None]:
        transcript = ConversationTranscript(self.conversations, conversation)
        is_complete = False
        async with aclosing(record(self._turn(caller, conversation, messages), transcript)) as events:
            async for event in events:
                is_complete = isinstance(event, AnswerStored)
                yield event
        is_first = conversation.title is None and not any(message.role == "assistant" for message in messages)
        if is_complete and is_first:
            title = await choose_title(self.model, conversation.model, messages[-1].content)
            if await transcript.set_title(title):
                yield TitleChosen(title)

    async def _turn(
        self, caller: Caller, conversation: Conversation, messages: Sequence[Message]
    ) -> AsyncGenerator[TurnEvent, None]:
        patterns, _ = await asyncio.gather(self.patterns.text(), self.toolbox.ensure_loaded())
        tools = self.toolbox.of(caller)
        system = self.prompts.write(caller.principal, tools.definitions(), patterns)
        request = ModelRequest(conversation.model, self.settings.max_tokens, system, replay(messages))
        async with aclosing(converse(self.model, tools, request, self.settings.max_tool_rounds)) as events:
            async for event in events:
                yield event


@dataclass(frozen=True, slots=True)
class ConversationTranscript:
    """The Transcript of one conversation in the graph."""

    conversations: Conversations
    conversation: Conversation

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages after those there are, all or none."""
        await self.conversations.append(self.conversation.id, self.conversation.user_email, messages)

    async def set_title(self, title: str) -> bool:
        """Give the conversation a title unless it has one; say whether it was given."""
        return await self.conversations.suggest_title(self.conversation.id, self.conversation.user_email, title)
