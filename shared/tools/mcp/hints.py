"""What an external server says about the effects of its tools (MCP, "ToolAnnotations")."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shared.domain.call_facts import Effect
    from shared.domain.models import JsonObject


class ToolHints(NamedTuple):
    """The hints of one tool; None where the server does not give one."""

    read_only: bool | None = None
    destructive: bool | None = None


NO_HINTS = ToolHints()


def read_hints(listed: JsonObject) -> ToolHints:
    """Read the hints of a listed tool. A value that is not a boolean is no hint."""
    annotations = listed.get("annotations")
    if not isinstance(annotations, dict):
        return NO_HINTS
    read_only, destructive = annotations.get("readOnlyHint"), annotations.get("destructiveHint")
    return ToolHints(
        read_only if isinstance(read_only, bool) else None, destructive if isinstance(destructive, bool) else None
    )


def effect_of(hints: ToolHints, *, is_trusted: bool) -> Effect:
    """Classify a tool by its hints.

    What a server says against its tool is always believed. That a tool only reads is believed if an operator trusts
    the server. The protocol's default applies to a tool that says that it is not read-only: it is destructive unless it
    says otherwise. A tool without these hints says nothing about itself, and counts as one that writes.
    """
    if hints.destructive is True or (hints.read_only is False and hints.destructive is None):
        return "destructive"
    return "read" if hints.read_only is True and is_trusted else "write"
