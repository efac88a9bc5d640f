"""The title of a conversation: the model writes it, or it consists of the question's first words."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shared.agent.sent_messages import question_to_send
from shared.domain.errors import ModelError
from shared.domain.events import ReplyFinished, UsageCounted
from shared.domain.models import NO_USAGE
from shared.domain.requests import ModelRequest, Prefix, SystemPrompt
from shared.domain.user_text import without_ui_blocks
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from shared.domain.models import Usage
    from shared.domain.ports import Model

log = logging.getLogger(__name__)

TITLE_MODEL: Final = "claude-haiku-5-5"
"""The cheapest current model: https://platform.claude.com/docs/en/about-claude/pricing"""

_ANTHROPIC_HOST = "api.anthropic.com"
_INSTRUCTION = SystemPrompt(
    static="Write the title of a conversation that begins with the user's message: at most six words that name its"
    " subject, in the message's language. Answer with the title alone, without quotes, and do not answer the message.",
    personal="",
)
_MOST_WORDS = 6
_LONGEST_TITLE = 80
_LONGEST_FIRST_WORDS = 60
_LONGEST_QUESTION = 2000
_MAX_TOKENS = 1024
"""The limit leaves room for a model that thinks before it writes the title."""
_TIMEOUT_SECONDS = 20.0
_NO_WORDS = "New conversation"
_INTRODUCTION = bounded(
    r"^(?:(?:sure|certainly|of course)[,.!]?\s+)?"
    r"(?:here(?:'s|\u2019s| is)\s[^:\n]{0,40}\btitle\b[^:\n]{0,40}:"
    r"|(?:(?:the|a|conversation|suggested)\s+){0,2}title(?: of the conversation)?(?: is)?\s*[:\u2014-])",
    _LONGEST_QUESTION,
    re.IGNORECASE,
)
_LINE_MARKS = bounded(r"^(?:(?:#{1,6}|[>*+-]|\d{1,2}[.)])\s+)+", _LONGEST_QUESTION)
_WORD_MARKS = bounded(r"\*+|`+|(?<!\w)_+|_+(?!\w)|~~", _LONGEST_QUESTION)
_EDGES = " \t.,:;#\"'\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a\u300c\u300d"


def title_model(model_name: str, base_url: str | None = None, provider: str = "anthropic") -> str:
    """Return the model that writes the titles of a conversation with `model_name`.

    On Anthropic's own API, this is the cheapest model. The models of another address or platform are unknown, so the
    conversation's own model is used there.
    """
    is_own_api = provider == "anthropic" and (base_url is None or urlsplit(base_url).hostname == _ANTHROPIC_HOST)
    return TITLE_MODEL if is_own_api and model_name.startswith("claude-") else model_name


def first_words(question: str) -> str:
    """Return the first words of a question as a title of at most 60 characters, cut between words."""
    text = without_ui_blocks(question)[:_LONGEST_QUESTION]
    words = " ".join(_WORD_MARKS.sub("", _LINE_MARKS.sub("", line.strip())) for line in text.splitlines())
    title = " ".join(words.split())
    if len(title) > _LONGEST_FIRST_WORDS:
        start = title[: _LONGEST_FIRST_WORDS - 1]
        has_whole_word = " " in start and title[len(start)] != " "
        title = f"{(start.rpartition(' ')[0] if has_whole_word else start).rstrip(_EDGES)}…"
    return title if any(character.isalnum() for character in title) else _NO_WORDS


async def choose_title(model: Model, model_name: str, question: str) -> tuple[str, Usage]:
    """Return a title for a first question, written by `model_name`, and the tokens that it took.

    If the model fails, the title consists of the question's first words.
    """
    words = without_ui_blocks(question).strip()[:_LONGEST_QUESTION] or _NO_WORDS
    request = ModelRequest(model_name, _MAX_TOKENS, Prefix(_INSTRUCTION), [question_to_send(words)], effort="low")
    answer, usage = "", NO_USAGE
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), aclosing(model.reply(request)) as events:
            async for event in events:
                match event:
                    case UsageCounted(counted):
                        usage = counted
                    case ReplyFinished(reply):
                        answer, usage = reply.text, reply.usage
                    case _:
                        pass
    except (ModelError, TimeoutError) as error:
        log.warning("the model could not write a title: %s", type(error).__name__)
    return clean_title(answer) or first_words(question), usage


def clean_title(answer: str) -> str:
    """Return the title in a model's answer, at most six words; it is empty if the answer contains none.

    Introductions ("Here is a title:", "Title:"), quotes, Markdown and the full stop at the end are removed.
    """
    for line in answer[:_LONGEST_QUESTION].splitlines():
        text = _WORD_MARKS.sub("", _LINE_MARKS.sub("", line.strip())).strip(_EDGES)
        text = _INTRODUCTION.sub("", f"{text}:" if line.rstrip(" *_").endswith(":") else text).strip(_EDGES)
        title = " ".join(text.split()[:_MOST_WORDS]).strip(_EDGES)
        if title:
            return title[:_LONGEST_TITLE].rstrip()
    return ""
