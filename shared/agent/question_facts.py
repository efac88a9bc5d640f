"""The facts in a question's message: the time, and changed facts about the user and the UI.

They are a text block before the user's words, and they are stored with the message.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from shared.agent.prompt import question_context
from shared.domain.models import Additions

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain.models import JsonObject, Principal


def question_facts(principal: Principal, now: datetime, pages: str, state: JsonObject) -> Additions:
    """Return the facts to add to a question; `state` contains the facts that the model was told before."""
    user = f"{principal.display_name} <{principal.subject}>{', an administrator' if principal.is_admin else ''}"
    facts: JsonObject = {"user": _digest(user), "pages": _digest(pages)}
    changed = {name for name, digest in facts.items() if state.get(name, digest) != digest}
    text = question_context(
        principal, now, pages=pages if "pages" in changed else None, user=user if "user" in changed else None
    )
    return Additions((text,), (), facts)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
