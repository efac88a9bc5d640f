"""A rule-based program in place of a language model, behind a server of Anthropic's Messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.demo_model.decision import decide
from local.messages_api.server import create_messages_api

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["create_demo_model"]


def create_demo_model(*, words_per_second: float = 40.0) -> Starlette:
    """Create the demo model's HTTP application.

    Raises:
        ValueError: `words_per_second` is not above zero.
    """
    return create_messages_api(decide, words_per_second)
