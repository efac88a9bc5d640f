"""The features of each Claude model.

The tables follow the Messages API's documentation of November 2026. An unknown name is treated as the strictest model:
it checks its thinking, and requests to it use only the common part of the API.
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
"""

from __future__ import annotations

from functools import lru_cache

from shared.domain.requests import Capabilities
from shared.util.patterns import bounded

_NAME = bounded(r"(?:^|[./])claude-(fable|mythos|opus|sonnet|haiku)-(\d+)(?:-(\d{1,2}))?(?![\d])", 200)

_CHECKS_THINKING = frozenset({
    ("fable", 5, 2), ("mythos", 5, 2), ("fable", 5, 1), ("mythos", 5, 1),
    ("opus", 5, 5), ("sonnet", 5, 5), ("haiku", 5, 5),
})  # fmt: skip
_SYSTEM_MESSAGES = frozenset({
    ("fable", 5, 2), ("mythos", 5, 2), ("fable", 5, 1), ("mythos", 5, 1), ("fable", 5, 0), ("mythos", 5, 0),
    ("opus", 5, 5), ("opus", 5, 0), ("opus", 4, 8), ("sonnet", 5, 5), ("haiku", 5, 5),
})  # fmt: skip
_THINKS_BY_DEFAULT = frozenset({
    ("fable", 5, 2), ("mythos", 5, 2), ("fable", 5, 1), ("mythos", 5, 1), ("fable", 5, 0), ("mythos", 5, 0),
    ("opus", 5, 5), ("opus", 5, 0), ("sonnet", 5, 5), ("sonnet", 5, 0), ("haiku", 5, 5),
})  # fmt: skip
_KNOWN = _SYSTEM_MESSAGES | {
    ("sonnet", 5, 0), ("opus", 4, 7), ("opus", 4, 6), ("sonnet", 4, 6),
    ("opus", 4, 5), ("sonnet", 4, 5), ("haiku", 4, 5),
}  # fmt: skip
_COMPACTION_SINCE = (4, 6)
_EFFORT_SINCE = (4, 6)


@lru_cache(maxsize=64)
def capabilities_of(model: str) -> Capabilities:
    """Return the features of a model by its name, with or without a platform's prefix such as `anthropic.`."""
    match = _NAME.search(model)
    if match is None:
        return Capabilities()
    family, version = match[1], (int(match[2]), int(match[3] or 0))
    key = (family, *version)
    if key not in _KNOWN:
        return Capabilities()
    return Capabilities(
        checks_thinking=key in _CHECKS_THINKING,
        tool_references=True,
        system_messages=key in _SYSTEM_MESSAGES,
        tool_changes=key in _SYSTEM_MESSAGES,
        context_editing=True,
        compaction=version >= _COMPACTION_SINCE,
        thinking_display=key in _THINKS_BY_DEFAULT,
        effort=version >= _EFFORT_SINCE,
    )
