"""The title of a conversation's first exchange."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.agent.history import question_to_send
from shared.domain.errors import ModelError
from shared.domain.events import ReplyFinished
from shared.domain.ports import ModelRequest, SystemPrompt

if TYPE_CHECKING:
    from shared.domain.ports import Model

log = logging.getLogger(__name__)

_INSTRUCTION = SystemPrompt(
    static="Write the title of a conversation that begins with the user's message: at most six words that name its"
    " subject, in the message's language. Answer with the title alone, without quotes, and do not answer the message.",
    personal="",
)
_CONTEXT = re.compile(r"<context\b[^>]{0,500}>.*?(?:</context>|\Z)", re.DOTALL | re.IGNORECASE)
_MOST_WORDS = 6
_MOST_CHARACTERS = 80
_MOST_READ = 2000
_MAX_TOKENS = 1024
"""Room for a model that thinks before it writes six words."""
_PATIENCE_SECONDS = 20.0


async def choose_title(model: Model, model_name: str, question: str) -> str:
    """Have a title written for a first question; where that fails it is the question's first words."""
    words = _CONTEXT.sub(" ", question).strip() or "New conversation"
    request = ModelRequest(model_name, _MAX_TOKENS, _INSTRUCTION, [question_to_send(words[:_MOST_READ])])
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            written = await _text(model, request)
    except (ModelError, TimeoutError) as error:
        log.warning("no title could be written: %s", type(error).__name__)
        written = ""
    return _tidy(written) or _tidy(words) or "New conversation"


async def _text(model: Model, request: ModelRequest) -> str:
    text = ""
    async with aclosing(model.reply(request)) as events:
        async for event in events:
            if isinstance(event, ReplyFinished):
                text = event.reply.text
    return text


def _tidy(text: str) -> str:
    """Give the first line's first words, without the quotes and marks that models like to put around a title."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    words = re.sub(r"^(title\s*:|#+)", "", line.strip(), flags=re.IGNORECASE).split()[:_MOST_WORDS]
    return " ".join(words).strip(" \"'`*_#.:,;\u201c\u201d")[:_MOST_CHARACTERS].strip()
