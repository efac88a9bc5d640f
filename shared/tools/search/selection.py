"""The tools that the model sees from the start where there are many; a search finds the others."""

from __future__ import annotations

from shared.tools.builtin import BUILTIN_NAMES
from shared.tools.search.resident import RESIDENT_OPERATIONS

RESIDENT = BUILTIN_NAMES | RESIDENT_OPERATIONS
"""Our own tools, and those of the API that most questions need."""
