"""The facts about a tool call that are known before it runs: its source, its effect, and the operation behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Effect: TypeAlias = Literal["read", "write", "destructive"]
"""What a call does to data. A destructive call deletes, or it makes, replaces or revokes a credential."""

IMBI_API = "imbi_api"
BROWSER = "browser"
ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What a call would do. In indirect mode these are the facts of the tool that `call_tool` calls."""

    name: str
    """The tool's name for the model."""
    source: str
    """`imbi_api`, `mcp:<slug>`, `browser` or `assistant` (our own tools)."""
    effect: Effect
    operation: str
    """The operation and its server's address. Two calls of the same name with different operations differ here."""
    method: str | None = None
    """The HTTP method in upper case; None where the call is not an HTTP request."""
    path_template: str | None = None
    """The path of the operation with its placeholders, such as `/api/projects/{id}`."""
    path: str | None = None
    """The path of this call; None if it is not an HTTP request, or its arguments are wrong."""
    title: str = ""
    """The tool's name at its source, or the summary of an operation of the Imbi API, for people."""
    options: tuple[str, ...] = ()
    """The values that an HTTP request has besides its path and its body, as `name=value`, without secrets."""
    is_trusted: bool = True
    """Whether an operator vouches for what the source says about its tools."""
    is_changed: bool = False
    """Whether the tool's definition has changed since it was first seen or last accepted."""
    has_secret_result: bool = False
    """Whether the result holds a credential, so that it must not be shown in more places than necessary."""

    @property
    def changes_something(self) -> bool:
        """Whether the call may change data."""
        return self.effect != "read"
