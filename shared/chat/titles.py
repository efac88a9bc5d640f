"""The titles of conversations, chosen after the first exchange."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shared.agent.title import choose_title, title_model
from shared.agent.typed_decision import typed_decision
from shared.domain.errors import GraphError
from shared.domain.models import NO_USAGE
from shared.graph.usage import added

if TYPE_CHECKING:
    from shared.domain.models import Message
    from shared.domain.ports import Model
    from shared.graph.begun_turns import BegunTurn
    from shared.graph.repositories import Repositories

log = logging.getLogger(__name__)


class Titles:
    """Chooses and stores titles."""

    def __init__(self, model: Model, repositories: Repositories, base_url: str | None = None) -> None:
        """Take the parts; `base_url` is the address of the model's API, or None for Anthropic's own."""
        self._model = model
        self._repositories = repositories
        self._base_url = base_url

    async def choose(self, turn: BegunTurn, question: Message) -> str | None:
        """Choose and store a title if this was the first exchange; return it, or None if nothing was stored."""
        conversation = turn.conversation
        has_title = conversation.title is not None and not conversation.is_title_provisional
        if has_title or any(map(_ends_exchange, turn.earlier)):
            return None
        model = title_model(conversation.model, self._base_url)
        title, usage = await choose_title(self._model, model, _asked(turn, question).content)
        email = conversation.user_email
        try:
            counted = [added(email, model, usage)] if usage != NO_USAGE else []
            was_stored = await self._repositories.conversations.suggest_title(conversation.id, email, title, counted)
        except GraphError as error:
            log.warning("a title could not be stored: %s", type(error).__name__)
            return None
        return title if was_stored else None


def _asked(turn: BegunTurn, question: Message) -> Message:
    """Return the question to name the conversation after: not a decision about an approval."""
    if typed_decision(question.content) is None:
        return question
    return next((message for message in turn.earlier if message.role == "user" and message.content), question)


def _ends_exchange(message: Message) -> bool:
    """Return whether a message ends a complete current answer: it is not partial, has no calls, and is not replaced."""
    if message.is_superseded:
        return False
    return message.role == "assistant" and not message.is_partial and not message.tool_use
