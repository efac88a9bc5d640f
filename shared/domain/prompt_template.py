"""The placeholders of a system prompt's template."""

from __future__ import annotations

import re

from shared.util.nearest import nearest

PLACEHOLDERS = ("display_name", "email", "admin_flag", "perms_section", "tools_section", "links_section")
_ANY = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")


def check_template(template: str) -> str:
    """Return an operator's template. Doubled braces in it mean single braces, as in `str.format`.

    Raises:
        ValueError: the template has a placeholder that does not exist.
    """
    names = [match[1] for match in _ANY.finditer(template) if match[1]]
    unknown = next((name for name in names if name not in PLACEHOLDERS), None)
    if unknown is None:
        return template
    meant = nearest(unknown, PLACEHOLDERS)
    hint = f"did you mean {{{meant}}}?" if meant else f"there are {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)};"
    raise ValueError(f"has the unknown placeholder {{{unknown[:64]}}}; {hint} double the braces of other words")
