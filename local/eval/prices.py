"""The cost of answers, by the prices of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.eval.cases import Price
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.chat.events import Usage

_KNOWN: Mapping[str, tuple[float, float, float]] = {
    "claude-fable-5-2": (8, 40, 0.2),
    "claude-mythos-5-2": (8, 40, 0.2),
    "claude-fable-5-1": (10, 50, 0.25),
    "claude-mythos-5-1": (10, 50, 0.25),
    "claude-opus-5-5": (4, 20, 0.2),
    "claude-opus-5": (5, 25, 0.5),
    "claude-opus-4-8": (5, 25, 0.5),
    "claude-opus-4-7": (5, 25, 0.5),
    "claude-opus-4-6": (5, 25, 0.5),
    "claude-opus-4-5": (5, 25, 0.5),
    "claude-sonnet-5-5": (2, 10, 0.1),
    "claude-sonnet-5": (2, 10, 0.2),
    "claude-sonnet-4-6": (3, 15, 0.3),
    "claude-sonnet-4-5": (3, 15, 0.3),
    "claude-haiku-5-5": (0.1, 0.5, 0.01),
    "claude-haiku-4-5": (1, 5, 0.1),
}
"""US dollars for a million tokens of input, output and cache reads, in November 2026. Page: "Pricing"."""
_SUFFIX = bounded(r"(?:-\d{8})?(?:-v\d{1,3}(?::\d{1,3})?)?\Z", 200)
"""What may follow the name of a model: a date, and Bedrock's version."""
_MILLION = 1_000_000
_CACHE_READ, _CACHE_WRITE = 0.1, 1.25
"""Prices as multiples of the input's, unless they are known. https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""


def known_price(model: str) -> Price | None:
    """Return the price of a model of Anthropic's, also under its name on Bedrock; None if it is not known."""
    for name, (fresh, output, read) in _KNOWN.items():
        _, found, rest = model.partition(name)
        if found and _SUFFIX.match(rest):
            return Price(input=fresh, output=output, cache_read=read)
    return None


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
