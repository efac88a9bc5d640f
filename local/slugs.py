"""Slugs of names."""

from __future__ import annotations

import re


def slug_of(name: str) -> str:
    """Return the slug of a name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
