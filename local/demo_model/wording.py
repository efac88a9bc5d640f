"""Words of the demo model's answers: plurals, and numbers with their nouns."""

from __future__ import annotations


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun if noun.endswith("s") else noun + ("es" if noun.endswith("ch") else "s")


def counted(number: int, noun: str) -> str:
    """Return a number in bold with its noun."""
    return f"**{number}** {noun if number == 1 else plural(noun)}"
