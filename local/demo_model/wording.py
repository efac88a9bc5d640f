"""Words of the demo model's answers: plurals, numbers with their nouns, slugs."""

from __future__ import annotations

import re


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun if noun.endswith("s") else noun + ("es" if noun.endswith("ch") else "s")


def counted(number: int, noun: str) -> str:
    """Return a number in bold with its noun."""
    return f"**{number}** {noun if number == 1 else plural(noun)}"


def slug_of(name: str) -> str:
    """Return the slug of a name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
