"""The facts that are told with a question: the time, and facts about the user and the UI that have changed.

They stand in the question's message, before the user's words, and are stored with it.
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
    """Return the facts to add to a question; `state` holds what the model was told of them before."""
    user = f"{principal.display_name} <{principal.subject}>{', an administrator' if principal.is_admin else ''}"
    facts: JsonObject = {"user": _digest(user), "pages": _digest(pages)}
    changed = {name for name, digest in facts.items() if state.get(name, digest) != digest}
    text = question_context(
        principal, now, pages=pages if "pages" in changed else None, user=user if "user" in changed else None
    )
    return Additions((text,), (), facts)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
