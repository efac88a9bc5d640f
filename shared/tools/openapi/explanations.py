"""What is said of a tool's arguments: by the API's document, else by our glossary and the resource's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.definitions.glossary import described
from shared.tools.openapi.body_fields import body_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.tools.definitions.schemas import Schemas
    from shared.tools.openapi.document import RawOperation


def explained(  # all that is known of one operation
    names: Iterable[str],
    whole_body: str | None,
    texts: Mapping[str, str],
    raw: RawOperation,
    tool: str,
    schemas: Schemas,
) -> dict[str, str]:
    """Return the texts of the arguments that have one.

    `texts` are those of the operation's docstring. `whole_body` is the argument that is all of the body, where there is
    one: of its fields the docstring says little.
    """
    found = {name: texts.get(name) or described(name, tool, raw.path) or "" for name in names}
    fields = body_text(raw, schemas) if whole_body is not None else None
    if whole_body is not None and fields is not None:
        said = texts.get(whole_body, "")
        found[whole_body] = said if "/" in said else fields
    return {name: text for name, text in found.items() if text}
