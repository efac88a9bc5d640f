"""The rules about the header `anthropic-beta` and about the fields that need one of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.request import words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from local.messages_api.request import Body

CONTEXT_MANAGEMENT: Final = "context-management-2025-06-27"
COMPACTION: Final = "compact-2026-01-12"
TOOL_CHANGES: Final = "mid-conversation-tool-changes-2026-07-01"
INLINE_TOOLS: Final = "inline-tools-2026-09-15"
DISPLAY_UPDATES: Final = "thinking-display-updates-2026-08-18"
BINDING_CONTROLS: Final = "thinking-binding-controls-2026-08-01"

BETA_FIELDS: Final = ("compaction", "fallbacks", "mcp_servers")
"""Fields that need some value of the header; nothing here uses them."""

KNOWN: Final = words(
    f"{CONTEXT_MANAGEMENT} {COMPACTION} {TOOL_CHANGES} {INLINE_TOOLS} {DISPLAY_UPDATES} {BINDING_CONTROLS} "
    "compact-2026-09-04 mid-conversation-output-config-2026-07-01 mid-conversation-system-clear-at-2026-08-21 "
    "thinking-token-count-2026-05-13 server-side-fallback-2026-07-01 structured-outputs-2025-11-13 "
    "extended-cache-ttl-2025-04-11 mcp-client-2025-11-20 files-api-2025-04-14"
)
"""The values that may be needed here. Page: "Beta headers"."""


def betas_of(headers: Mapping[str, str]) -> frozenset[str]:
    """Return the values of a request's `anthropic-beta` header, whose name is in lower case."""
    return frozenset(value.strip() for value in headers.get("anthropic-beta", "").split(",") if value.strip())


def known_betas(betas: Collection[str]) -> Iterator[str]:
    """Each value of the header is known. Page: "Errors"."""
    yield from (
        f"Unexpected value(s) `{value}` for the `anthropic-beta` header. Please consult our documentation"
        for value in sorted(betas)
        if value not in KNOWN
    )


def beta_fields(body: Body, betas: Collection[str]) -> Iterator[str]:
    """Fields that are in beta need their header. Pages: "Context editing", "Compaction", "Thinking"."""
    yield from (f"{name}: Extra inputs are not permitted" for name in BETA_FIELDS if name in body and not betas)
    if "context_management" in body and not {CONTEXT_MANAGEMENT, COMPACTION} & {*betas}:
        yield "context_management: Extra inputs are not permitted"
    thinking = body.get("thinking")
    if isinstance(thinking, dict):
        if "block_binding" in thinking and BINDING_CONTROLS not in betas:
            yield "thinking.block_binding: Extra inputs are not permitted"
        if thinking.get("display") == "updates" and DISPLAY_UPDATES not in betas:
            yield "thinking.display: Input should be 'summarized' or 'omitted'"
