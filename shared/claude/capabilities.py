"""What a model's API can do beyond the Messages API's common part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_HOST = "api.anthropic.com"
_MODEL = re.compile(r"^claude-(?:opus|sonnet|haiku)-(\d+)(?:-(\d{1,2}))?(?:-|$)")
_SINCE = (4, 5)
"""The version of the models that search tools and clear results by themselves, on Anthropic's own API."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Whether the API searches deferred tools and takes references to them, and whether it clears old results."""

    tool_search: bool = False
    context_management: bool = False


@lru_cache(maxsize=64)
def capabilities_of(base_url: str | None, model: str) -> Capabilities:
    """Tell what can be asked of a model at an address; of what is not known nothing is asked."""
    if base_url is not None and urlsplit(base_url).hostname != _HOST:
        return Capabilities()
    match = _MODEL.match(model)
    version = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    is_able = version >= _SINCE
    return Capabilities(tool_search=is_able, context_management=is_able)
