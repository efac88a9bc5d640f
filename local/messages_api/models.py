"""The models of the Messages API and the rules that differ between them, from the API's documentation of November 2026.

A name that is not in the table stands for a model that is not known: it has the strictest rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_NAME: Final = re.compile(r"claude-(fable|mythos|opus|sonnet|haiku)-(\d)(?:-(\d))?(?!\d)")
_EFFORTS: Final = ("low", "medium", "high", "max")
_EFFORTS_OF_5: Final = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """The rules of one model."""

    checks_thinking: bool = False
    """A thinking block is bound to everything before it. Page: "Prefix checks on thinking blocks"."""
    system_messages: bool = False
    """Messages may have the role `system`. Page: "Mid-conversation system messages and tool changes"."""
    deferred_tools: bool = True
    """Tools may be deferred and referred to. Page: "Tool search tool"."""
    thinking: frozenset[str] = frozenset()
    """The accepted types of the field `thinking`. Page: "Thinking"."""
    forced_choice: bool = True
    """`tool_choice` may force a call. Page: "What's new in Claude Opus 5.5"."""
    efforts: tuple[str, ...] = ()
    """The accepted values of `output_config.effort`. Page: "Effort"."""
    cache_minimum: int = 1024
    """The tokens of the shortest prefix that is cached. Page: "Prompt caching"."""


def _types(*names: str) -> frozenset[str]:
    return frozenset(names)


_ADAPTIVE: Final = _types("adaptive")
_NEWEST: Final = ModelRules(
    checks_thinking=True,
    system_messages=True,
    thinking=_ADAPTIVE,
    forced_choice=False,
    efforts=_EFFORTS_OF_5,
    cache_minimum=512,
)
_FABLE_5: Final = ModelRules(system_messages=True, thinking=_ADAPTIVE, efforts=_EFFORTS_OF_5, cache_minimum=512)
_OPUS_4_5: Final = ModelRules(thinking=_types("enabled", "disabled"), efforts=_EFFORTS[:3], cache_minimum=4096)

_TABLE: Final[dict[str, ModelRules]] = {
    **dict.fromkeys(("fable-5-2", "mythos-5-2", "fable-5-1", "mythos-5-1", "opus-5-5"), _NEWEST),
    **dict.fromkeys(("fable-5", "mythos-5"), _FABLE_5),
    "sonnet-5-5": ModelRules(
        checks_thinking=True,
        system_messages=True,
        thinking=_types("adaptive", "between_tools"),
        forced_choice=False,
        efforts=_EFFORTS_OF_5,
        cache_minimum=512,
    ),
    "haiku-5-5": ModelRules(
        checks_thinking=True,
        system_messages=True,
        thinking=_types("adaptive", "disabled"),
        efforts=_EFFORTS_OF_5,
        cache_minimum=512,
    ),
    "opus-5": ModelRules(
        system_messages=True, thinking=_types("adaptive", "disabled"), efforts=_EFFORTS_OF_5, cache_minimum=512
    ),
    "sonnet-5": ModelRules(thinking=_types("adaptive", "disabled"), efforts=_EFFORTS_OF_5),
    "opus-4-8": ModelRules(system_messages=True, thinking=_types("adaptive", "disabled"), efforts=_EFFORTS_OF_5),
    "opus-4-7": ModelRules(thinking=_types("adaptive", "disabled"), efforts=_EFFORTS_OF_5, cache_minimum=2048),
    "opus-4-6": ModelRules(thinking=_types("adaptive", "enabled", "disabled"), efforts=_EFFORTS, cache_minimum=4096),
    "sonnet-4-6": ModelRules(thinking=_types("adaptive", "enabled", "disabled"), efforts=_EFFORTS),
    "opus-4-5": _OPUS_4_5,
    "sonnet-4-5": ModelRules(thinking=_types("enabled", "disabled")),
    "haiku-4-5": ModelRules(thinking=_types("enabled", "disabled"), cache_minimum=4096),
}
_UNKNOWN: Final = ModelRules(checks_thinking=True, deferred_tools=False, forced_choice=False)


@lru_cache(maxsize=64)
def rules_of(model: str) -> ModelRules:
    """Return the rules of a model by its name, with or without a platform's prefix or a date."""
    match = _NAME.search(model)
    if match is None:
        return _UNKNOWN
    return _TABLE.get("-".join(part for part in match.groups() if part), _UNKNOWN)
