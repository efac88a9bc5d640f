"""Writes short titles for conversations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.domain.user_text import without_ui_blocks

if TYPE_CHECKING:
    from local.demo_model.wire import MessagesRequest

MOST_WORDS = 6
SHORT = 1024
"""The highest `max_tokens` of a request that may ask for a title."""

_OPENINGS = re.compile(
    r"^(?:(?:hi|hello|hey|please|kindly|thanks)\b[,!]?\s*|(?:can|could|would|will) you\s+"
    r"|i (?:want|need|would like|'d like) (?:you )?to\s+|(?:show|tell|give|get|find)(?: me| us)?(?: about)?\s+"
    r"|what(?:'s| is| are)\s+|which\s+|list\s+(?:all\s+)?|describe\s+|(?:the|a|an|all|of|about)\s+)+",
    re.IGNORECASE,
)
_REPHRASED = (
    (re.compile(r"^who (?:owns|is the owner of|is responsible for)\s+(.*)", re.IGNORECASE), r"owner of \1"),
    (re.compile(r"^how many\s+(.*)", re.IGNORECASE), r"number of \1"),
    (re.compile(r"^what depends on\s+(.*)", re.IGNORECASE), r"dependents of \1"),
    (re.compile(r"^what does\s+(\S+)\s+depend on.*", re.IGNORECASE), r"dependencies of \1"),
    (re.compile(r"^who (?:are|is) on call\b(.*)", re.IGNORECASE), r"on call\1"),
    (re.compile(r"^who am i\b.*", re.IGNORECASE), "your profile"),
    (re.compile(r"^who (?:are|is) (?:in|on(?! call\b)|the members of)\s+(.*)", re.IGNORECASE), r"members of \1"),
)
_LIGHT = frozenset({"a", "an", "are", "does", "is", "please", "the", "there", "was", "were"})
"""Words that a title leaves out."""
_DANGLING = frozenset({"and", "at", "by", "for", "from", "in", "me", "of", "on", "or", "to", "with"})
"""Words that a title never ends with."""


def wants_title(request: MessagesRequest) -> bool:
    """Return whether a request asks for a title: no tools, a low `max_tokens`, "title" in the system prompt."""
    return not request.tools and request.max_tokens <= SHORT and "title" in request.system_text.lower()


def title_of(text: str) -> str:
    """Build a title of at most six words from a user's message."""
    words = re.sub(r"<[^>]+>", " ", without_ui_blocks(text))
    first = next(
        (line.strip() for line in re.split(r"[\n?!]|\.\s|,? and (?=who|what|which|how)", words) if line.strip()), ""
    )
    for pattern, instead in _REPHRASED:
        if pattern.match(first):
            first = pattern.sub(instead, first)
            break
    else:
        first = _OPENINGS.sub("", first) or first
    bare = first.translate(str.maketrans("", "", '"`*')).strip(" .,;:'")
    kept = [word for word in bare.split() if word.lower() not in _LIGHT][:MOST_WORDS]
    while len(kept) > 1 and kept[-1].lower() in _DANGLING:
        kept.pop()
    title = " ".join(kept).strip(" .,;:")
    return title[:1].upper() + title[1:] if title else "New conversation"
