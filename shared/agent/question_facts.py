"""The facts that are told with a question: the time, and facts about the user and the UI that have changed.

They stand in the question's message, behind the user's words, and are stored with it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from shared.domain.models import Additions

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain.models import JsonObject, Principal


def question_facts(principal: Principal, now: datetime, pages: str, state: JsonObject) -> Additions:
    """Return the facts to add to a question, as far as the model does not know them yet by `state`."""
    user = f"{principal.display_name} <{principal.subject}>{', an administrator' if principal.is_admin else ''}"
    facts = {"user": user, "pages": sha256(pages.encode()).hexdigest()[:16]}
    lines = [f"Time: {now.strftime('%A, %Y-%m-%d %H:%M')} {now.tzname()}"]
    if "user" in state and state["user"] != facts["user"]:
        lines.append(f"The user is now: {user}")
    if "pages" in state and state["pages"] != facts["pages"]:
        lines.append(f"The pages of the UI are now:\n{pages}")
    text = "\n".join(["<facts>", *lines, "</facts>"])
    return Additions((text,), (), {**facts})
