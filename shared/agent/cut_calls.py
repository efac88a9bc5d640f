"""Calls whose outcome is unknown because their process ended: what the model and the user are told about them.

The reply that made them is not in the history, because it was never stored. The next question's message says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject

NOTICE_TAG: Final = "imbi_notice"
"""The tag around what the model must know and tell. The prompt explains it to the model."""
_INTRODUCTION = (
    "Added by the service, not written by the user.\n"
    "The service failed while it answered an earlier question, and that answer is not in this conversation."
    " It had begun the following calls, which change something. Whether they took effect is NOT KNOWN."
    " Tell the user so. Before you make such a call again, look whether it took effect, and ask the user."
)
_MOST_NAMED = 3
_TAG = re.compile(rf"<(?=/?{NOTICE_TAG})", re.IGNORECASE)


def changes_among(records: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the records of calls that may have changed something: nobody has to be told of the others."""
    return [each for each in records if each.get("effect") != "read" and each.get("status") == "unknown"]


def for_model(records: Sequence[JsonObject], states: Sequence[str | None]) -> str:
    """Return the text to add to the next question; each state is what the API shows now, if it could be read."""
    lines = [_INTRODUCTION]
    for record, state in zip(records, states, strict=True):
        lines.append(f"- {_called(record)}, begun at {record.get('at')}, with the arguments {record.get('arguments')}")
        if state is not None:
            lines.append(f"  Read just now at the same path: {state}")
    text = _TAG.sub("", "\n".join(lines))
    return f"<{NOTICE_TAG}>\n{text}\n</{NOTICE_TAG}>"


def for_user(records: Sequence[JsonObject]) -> str:
    """Return the sentence with which the next answer begins."""
    named = ", ".join(f"`{_called(record)}`" for record in records[:_MOST_NAMED])
    more = f" and {len(records) - _MOST_NAMED} more" if len(records) > _MOST_NAMED else ""
    return (
        "*The service failed during the previous answer, while it was making a change."
        f" It is not known whether the change was made: {named}{more}.*\n\n"
    )


def _called(record: JsonObject) -> str:
    path = record.get("path") or record.get("path_template")
    name = str(record.get("tool"))
    return f"{name} ({record.get('method')} {path})" if path else name
