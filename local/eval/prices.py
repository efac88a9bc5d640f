"""The cost of answers, by the prices of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.eval.cases import Price

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.chat.events import Usage

KNOWN: Mapping[str, Price] = {
    "claude-sonnet-5-5": Price(input=2, output=10),
    "claude-opus-5-5": Price(input=4, output=20),
    "claude-haiku-5-5": Price(input=0.1, output=0.5),
    "claude-sonnet-4-6": Price(input=3, output=15),
}
"""US dollars for a million tokens in November 2026, as in docs/models.md."""
_MILLION = 1_000_000
_CACHE_READ, _CACHE_WRITE = 0.1, 1.25
"""Prices as multiples of the input's. https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""


def cost(usages: Iterable[Usage], price: Price | None) -> float | None:
    """Return the cost of answers in US dollars; None if the price is not known."""
    if price is None:
        return None
    read = price.cache_read if price.cache_read is not None else price.input * _CACHE_READ
    write = price.cache_write if price.cache_write is not None else price.input * _CACHE_WRITE
    return sum(
        (
            usage.input_tokens * price.input
            + usage.output_tokens * price.output
            + usage.cache_read_input_tokens * read
            + usage.cache_creation_input_tokens * write
        )
        / _MILLION
        for usage in usages
    )
