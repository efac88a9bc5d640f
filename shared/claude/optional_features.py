"""The optional features of the Messages API at one address. A feature that the address refuses is switched off."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Collection

log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 2000
_NOT_KNOWN = bounded(
    r"extra inputs|input should be|unexpected|unknown|unsupported|not supported|invalid", _LONGEST_MESSAGE
)


@dataclass(frozen=True, slots=True)
class Feature:
    """A field of the request, and the value of the `anthropic-beta` header that it needs."""

    field: str
    beta: str
    signs: tuple[str, ...] = ()
    """Further words by which a refusal names the feature."""

    def is_named_in(self, text: str) -> bool:
        """Return whether a refusal, in lower case, names the feature."""
        return any(sign in text for sign in (self.field, self.beta, *self.signs))


CONTEXT_EDITING = Feature("context_management", "context-management-2025-06-27")
COMPACTION = Feature("compact_20260112", "compact-2026-01-12")
TOOL_CHANGES = Feature("tool_removal", "mid-conversation-tool-changes-2026-07-01", ("tool_addition", ".role:"))
THINKING_UPDATES = Feature("display", "thinking-display-updates-2026-08-18")


class Features:
    """Remembers the features that an address refuses; a platform or a gateway may lag behind Anthropic's own API."""

    def __init__(self) -> None:
        self._refused: set[Feature] = set()

    def allows(self, feature: Feature) -> bool:
        """Return whether a feature may be used."""
        return feature not in self._refused

    def note_refusal(self, message: str, used: Collection[Feature]) -> bool:
        """Switch off the features that an error message names; return whether it names one, so that a retry helps."""
        text = message[:_LONGEST_MESSAGE].lower()
        if _NOT_KNOWN.search(text) is None or _is_about_thinking(text):
            return False
        named = {each for each in used if each.is_named_in(text)}
        if not named and "beta" in text:
            # Amazon Bedrock answers "invalid beta flag" without a name.
            named = set(used)
        for each in named:
            log.warning("the model's API does not support the feature %s; it is no longer used", each.beta)
        self._refused |= named
        return bool(named)


def _is_about_thinking(text: str) -> bool:
    """Return whether a signature was refused. The sentence may name a feature that is not the reason."""
    return "signature" in text and "thinking" in text
