"""Estimates the tokens of a text."""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4


def tokens_of(text: str) -> int:
    """Estimate the number of tokens of a text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
