"""The patterns that names and ids must match."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL_NAME: Final = "^[a-zA-Z0-9_-]{1,128}$"
"""The name of an offered tool. Page: "Define tools"."""

CALLED_NAME: Final = "^[a-zA-Z0-9_-]{1,200}$"
"""The name in a `tool_use` block. Page: the Messages API's reference."""

CALL_ID: Final = "^[a-zA-Z0-9_-]+$"
"""The id of a call. Page: the Messages API's reference."""

PROPERTY_NAME: Final = "^[a-zA-Z0-9_.-]{1,64}$"
"""The name of a property in a tool's schema. No page says it; the API's errors do."""


def check_pattern(path: str, value: object, pattern: str) -> Iterator[str]:
    """Check a string against one of the patterns; `path` names it in the error."""
    if not re.fullmatch(pattern, str(value)):
        yield f"{path}: String should match pattern '{pattern}'"
