"""Writes short titles for conversations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.demo_model.grammar import normalized
from local.demo_model.questions import understood
from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from local.messages_api.parsed_request import MessagesRequest

_MOST_WORDS = 6
_SHORT = 1024
"""The highest `max_tokens` of a request that may ask for a title."""
_NOUNS = frozenset(
    {"owner", "on_call", "team_members", "dependencies", "dependents", "releases", "costs", "operations"}
)
"""The plans whose names say what their answers are."""
_SUBJECTS = ("project", "team", "environment")
_OPENING = re.compile(
    r"^(?:(?:hi|hello|hey|please|kindly|thanks|show|tell|give|get|find|list|describe|which|about|me|us|i|want|need|to"
    r"|what did (?:we|i|you) (?:say|talk|ask|discuss)|what(?:'s| is| are)?|(?:can|could|would|will) you)\b[,!]?\s*)+",
    re.IGNORECASE,
)
_LIGHT = frozenset({"a", "all", "an", "are", "does", "is", "our", "please", "the", "there", "was", "were"})
"""Words that a title leaves out."""
_DANGLING = frozenset({"and", "at", "by", "for", "from", "in", "me", "of", "on", "or", "to", "with"})
"""Words that a title never ends with."""


def wants_title(request: MessagesRequest) -> bool:
    """Return whether a request asks for a title: no tools, a low `max_tokens`, "title" in the system prompt."""
    return not request.tools and request.max_tokens <= _SHORT and "title" in request.system_text.lower()


def title_of(text: str) -> str:
    """Build a title of at most six words from a user's message."""
    plain = re.sub(r"<[^>]+>", " ", without_ui_blocks(text))
    first = next((line.strip() for line in re.split(r"[\n?!]|\.\s", plain) if line.strip()), "")
    meant = understood(normalized(first))
    if meant and meant.question.plan in _NOUNS:
        about = next((meant.slots[slot] for slot in _SUBJECTS if slot in meant.slots), "")
        first = f"{meant.question.plan.replace('_', ' ')} of {about}" if about else first
    first = re.sub(r"^how many\b", "number of", first, flags=re.IGNORECASE)
    bare = (_OPENING.sub("", first) or first).translate(str.maketrans("", "", '"`*')).strip(" .,;:'")
    kept = [word for word in bare.split() if word.lower() not in _LIGHT][:_MOST_WORDS]
    while len(kept) > 1 and kept[-1].lower() in _DANGLING:
        kept.pop()
    title = " ".join(kept).strip(" .,;:")
    return title[:1].upper() + title[1:] if title else "New conversation"
