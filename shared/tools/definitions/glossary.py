"""What the recurring arguments of the Imbi API mean, for operations that do not say it.

Texts are short: the definitions are sent with every request. A text for one tool goes before one for a name, and both
go behind what the API's document says itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.tools.definitions.terms import FOR_CHANGES, FOR_TOOLS, SOURCES, TERMS

if TYPE_CHECKING:
    from collections.abc import Mapping

_READS = re.compile(r"^(list|search|get|score|pull)_")


def described(argument: str, tool: str, path: str) -> str | None:
    """Return what an argument of a tool means, or None where the glossary does not know it.

    `path` is the path template of the tool's operation; an argument in it is explained by the segment before it.
    """
    for_tool: Mapping[str, str] = FOR_TOOLS.get(tool, {})
    if argument in for_tool:
        return for_tool[argument]
    if f"{{{argument}}}" in path:
        return _in_path(argument, path) or TERMS.get(argument)
    if not _READS.match(tool) and (text := FOR_CHANGES.get(argument)):
        return text
    return TERMS.get(argument)


def _in_path(argument: str, path: str) -> str | None:
    """Explain `{slug}` and `{id}` of `/teams/{slug}` by the collection that they choose from."""
    if argument not in {"slug", "id", "email"}:
        return None
    before = path.partition(f"/{{{argument}}}")[0].rpartition("/")[2]
    noun, source = SOURCES.get(before, (None, None))
    if noun is None:
        return None
    kind = {"slug": "Slug", "id": "Id", "email": "E-mail address"}[argument]
    return f"{kind} of the {noun}{f', from {source}' if source else ''}."
