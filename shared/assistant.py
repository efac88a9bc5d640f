"""An answer from end to end: the question stored, the turn run, its rounds stored, the title chosen."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from shared import times
from shared.agent.answer import Answer
from shared.agent.capabilities import capabilities_of
from shared.agent.events import AnswerFailed, AnswerStored
from shared.agent.fitting import FittingModel
from shared.agent.ports import ModelRequest
from shared.agent.replay import replay
from shared.agent.retelling import Retelling
from shared.agent.title import choose_title
from shared.agent.turn import converse
from shared.errors import ConversationBusy, GraphError, GraphUnavailable
from shared.graph.conversations import AlreadyAsked
from shared.models import Message
from shared.running import RunningAnswer
from shared.tools.offering import ReferringModel, offer
from shared.transcript import ConversationTranscript

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from uuid import UUID

    from shared.agent.answer import Interruption
    from shared.agent.events import AnswerEvent, ToolCall, ToolEvent, TurnEvent
    from shared.agent.ports import Model, ToolDefinition, ToolOffer
    from shared.agent.prompt import PromptWriter
    from shared.graph.conversations import Begun, Conversations
    from shared.graph.leases import Leases
    from shared.models import Caller, Conversation, JsonObject
    from shared.running import RunningAnswers
    from shared.settings import Settings
    from shared.tools.links import UrlPatterns
    from shared.tools.offering import Mode
    from shared.tools.toolbox import CallersTools, Toolbox

log = logging.getLogger(__name__)

_YIELDING_SECONDS = 5.0
"""How long a new question waits for the answer to the one before to end."""
_LOOK_AGAIN_SECONDS = 0.2
_LOADING_SECONDS = 8.0
"""More than any source of tools takes that keeps its own bound."""


class Assistant:
    """All that answers are made of, shared by every request of the process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(
        self, caller: Caller, conversation_id: UUID, content: str, *, key: str | None = None
    ) -> StreamedAnswer | Retelling:
        """Store a question and give its answer, of which nothing has begun before it is run.

        An answer to the question before is stopped first. A question that came before with the same key is not asked
        again: its answer is told from what is stored.

        Raises:
            ConversationNotFound: there is none, or it is another user's.
            ConversationFull: it holds as many messages as it may.
            ConversationBusy: the answer to the question before did not yield.
            AnswerRunning: the same question is being answered.
            KeyReused: the key came before with another question.
            TooManyStreams: there are too many answers under way.
            GraphUnavailable: the database cannot be reached.
        """
        parts = self._parts
        question = Message(id=uuid4(), role="user", content=content, created_at=times.now(), idempotency_key=key)
        holder = uuid4()
        with parts.running.room():
            begun = await self._begin(caller, conversation_id, question, holder)
            if isinstance(begun, AlreadyAsked):
                return Retelling(begun.messages, begun.outcome)
            transcript = ConversationTranscript(parts.conversations, begun.conversation, question, holder)
            messages = [*begun.earlier, question]
            answer = Answer(
                self._turn(caller, begun.conversation, messages), transcript, self._title_giver(begun, question)
            )
            running = RunningAnswer(answer, holder)
            parts.running.add(conversation_id, running)
        return StreamedAnswer(parts.running, conversation_id, running)

    async def keep(self) -> None:
        """Keep what was fetched for the next start."""
        await self._parts.keep()

    async def stop(self, conversation_id: UUID) -> None:
        """End this process's answer to a conversation and wait for that."""
        await self._parts.running.stop(conversation_id, _YIELDING_SECONDS)

    async def warm_up(self) -> None:
        """Fetch what every turn needs and is kept for all of them."""
        await asyncio.gather(self._parts.patterns.text(), self._parts.toolbox.ensure_loaded())

    async def shut_down(self, seconds: float) -> None:
        """End every answer with an error and wait until all are stored, or the time is over."""
        await self._parts.running.shut_down(seconds)

    async def aclose(self) -> None:
        """Close the model's and the tools' connections."""
        await self._parts.running.aclose()
        await self._parts.model.aclose()
        await self._parts.toolbox.aclose()
        await self._parts.patterns.aclose()

    async def _begin(
        self, caller: Caller, conversation_id: UUID, question: Message, holder: UUID
    ) -> Begun | AlreadyAsked:
        """Begin the turn, after the answer before has yielded."""
        parts = self._parts
        ends_at = time.monotonic() + _YIELDING_SECONDS
        has_asked = False
        while True:
            try:
                return await parts.conversations.begin_turn(
                    conversation_id,
                    caller.principal.subject,
                    question,
                    holder=holder,
                    limit=parts.settings.max_conversation_turns,
                )
            except ConversationBusy:
                left = ends_at - time.monotonic()
                if left <= 0:
                    raise
            except GraphUnavailable:
                parts.running.release_later(conversation_id, holder)
                raise
            if await parts.running.stop(conversation_id, left):
                continue
            if not has_asked:
                has_asked = await parts.leases.request_stop(conversation_id)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _turn(
        self, caller: Caller, conversation: Conversation, messages: Sequence[Message]
    ) -> AsyncGenerator[TurnEvent, None]:
        parts = self._parts
        patterns, _ = await asyncio.gather(parts.patterns.text(), self._load_tools())
        mode = self._search_mode(conversation.model)
        tools = TurnTools(parts.toolbox.of(caller), lambda: parts.check(caller), mode)
        definitions = tools.definitions()
        searchable = {each.name for each in definitions} if mode == "server" else set()
        request = ModelRequest(
            conversation.model,
            parts.settings.max_tokens,
            parts.prompts.write(caller.principal, definitions, patterns),
            replay(messages, searchable),
        )
        model = ReferringModel(parts.model) if mode == "references" else parts.model
        model = FittingModel(model, parts.settings.clear_results_tokens)
        async with aclosing(converse(model, tools, request, parts.settings.max_tool_rounds)) as events:
            async for event in events:
                yield event

    def _search_mode(self, model: str) -> Mode:
        settings = self._parts.settings
        is_able = capabilities_of(settings.anthropic_base_url, model).tool_search
        match settings.tool_search:
            case "auto":
                return "server" if is_able else "client"
            case "client":
                return "references" if is_able else "client"
            case chosen:
                return chosen

    async def _load_tools(self) -> None:
        """See to it that tools are known; a source that keeps no bound of its own does not keep the answer back."""
        try:
            async with asyncio.timeout(_LOADING_SECONDS):
                await self._parts.toolbox.ensure_loaded()
        except TimeoutError:
            log.warning("the tools could not be loaded in %s s", _LOADING_SECONDS)

    def _title_giver(self, begun: Begun, question: Message) -> Callable[[], Awaitable[str | None]]:
        """Give what titles a conversation after its first exchange, and does nothing after others."""
        conversation = begun.conversation
        is_first = conversation.title is None and not any(map(_is_answer, begun.earlier))

        async def give() -> str | None:
            if not is_first:
                return None
            title = await choose_title(self._parts.model, conversation.model, question.content)
            try:
                was_given = await self._parts.conversations.suggest_title(
                    conversation.id, conversation.user_email, title
                )
            except GraphError as error:
                log.warning("a title could not be stored: %s", type(error).__name__)
                return None
            return title if was_given else None

        return give


def _is_answer(message: Message) -> bool:
    """Say whether a message ends an exchange, which one that was cut off or only calls tools does not."""
    return message.role == "assistant" and not message.is_partial and not message.tool_use


@dataclass(frozen=True, slots=True)
class Parts:
    """What an assistant is put together from."""

    settings: Settings
    model: Model
    toolbox: Toolbox
    patterns: UrlPatterns
    prompts: PromptWriter
    conversations: Conversations
    leases: Leases
    running: RunningAnswers
    keep: Callable[[], Awaitable[None]]
    """Keeps for the next start what was fetched for this one."""
    check: Callable[[Caller], Awaitable[None]]
    """Raises Unauthenticated when a caller's token has ended since it was first seen."""


class StreamedAnswer:
    """An answer that is known to the process until it is over."""

    def __init__(self, answers: RunningAnswers, conversation_id: UUID, running: RunningAnswer) -> None:
        self._answers = answers
        self._conversation_id = conversation_id
        self._running = running

    async def run(self, emit: Callable[[AnswerEvent], Awaitable[None]]) -> None:
        """Emit the answer's events, exactly one AnswerStored or AnswerFailed among them."""

        async def emitted(event: AnswerEvent) -> None:
            if isinstance(event, AnswerStored | AnswerFailed):
                # It is stored by now, and the conversation is free, even while a title is still sought.
                self._answers.remove(self._conversation_id, self._running)
            if isinstance(event, AnswerFailed):
                # Perhaps because the database is away, and then the lease has not been given back.
                self._answers.release_later(self._conversation_id, self._running.holder)
            await emit(event)

        try:
            await self._running.answer.run(emitted)
        finally:
            self._answers.remove(self._conversation_id, self._running)

    def interrupt(self, reason: Interruption) -> None:
        """End it early."""
        self._running.answer.interrupt(reason)


class TurnTools:
    """One turn's tools: chosen anew every round, and run only as long as their caller's token is good."""

    def __init__(self, tools: CallersTools, check: Callable[[], Awaitable[None]], mode: Mode) -> None:
        self._tools = tools
        self._check = check
        self._mode = mode

    def definitions(self) -> Sequence[ToolDefinition]:
        """List all that the caller may use now."""
        return self._tools.definitions()

    def offer(self, messages: Sequence[JsonObject]) -> ToolOffer:
        """Choose what the model may call after these messages."""
        return offer(self._tools.definitions(), messages, self._mode)

    async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolEvent, None]:
        """Run the calls of one reply.

        Raises:
            Unauthenticated: the caller's token has expired or been revoked meanwhile.
        """
        await self._check()
        async with aclosing(self._tools.run(calls)) as events:
            async for event in events:
                yield event
