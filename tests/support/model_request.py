"""The requests that the scripted model server received."""

from __future__ import annotations

import re
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class RecordedRequest:
    """A request for a message: what was asked, what the API would object to, and how its answer ended."""

    raw: bytes
    headers: Mapping[str, str]
    body: Json
    problems: list[str] = field(default_factory=list)
    ended: Future[str] = field(default_factory=Future, repr=False)
    """Resolves to `complete`, `broken off` (by the script), `closed early` (by the client) or `stopped`."""

    @property
    def messages(self) -> list[Json]:
        """The messages of the request."""
        messages: list[Json] = self.body["messages"]
        return messages

    @property
    def system(self) -> str:
        """The system prompt's text."""
        return _system_text(self.body)

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools that were offered."""
        return [str(offered["name"]) for offered in self.body.get("tools") or []]

    @property
    def results(self) -> dict[str, Json]:
        """The tool results of the last message, by the id of their call."""
        content = self.messages[-1]["content"]
        blocks = content if isinstance(content, list) else []
        return {part["tool_use_id"]: part for part in blocks if part.get("type") == "tool_result"}


def _system_text(body: Json) -> str:
    system = body.get("system") or ""
    return system if isinstance(system, str) else "\n".join(str(part.get("text", "")) for part in system)


def asks_for_title(body: Json) -> bool:
    """Return whether a request asks for a conversation's title: no tools, and a system prompt that mentions one."""
    return not body.get("tools") and re.search(r"\btitle\b", _system_text(body), re.IGNORECASE) is not None
