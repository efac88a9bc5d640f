"""The system prompt: a template, first what is the same for everybody, last what concerns the user."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from shared.domain.requests import SystemPrompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.models import Principal
    from shared.domain.ports import ToolDefinition

_FOLDER = Path(__file__).parent
_STATIC = (_FOLDER / "prompt.md").read_text(encoding="utf-8")
_PERSONAL = (_FOLDER / "prompt_personal.md").read_text(encoding="utf-8")
_PLACEHOLDER = re.compile(r"\{(display_name|email|admin_flag|perms_section|tools_section|links_section)\}")
_OWN = re.compile(_PLACEHOLDER.pattern + r"|\{\{|\}\}")
_LONGEST_NAME = 200


class PromptWriter:
    """Writes the system prompt of each turn, from the bundled template or an operator's own."""

    def __init__(self, template: str | None = None, ui_url: str | None = None) -> None:
        self._template = template
        self._ui_url = ui_url

    def write(self, principal: Principal, tools: Sequence[ToolDefinition], patterns: str) -> SystemPrompt:
        """Write the prompt; `patterns` are the UI's URL patterns, for links.

        The static part holds nothing of the user or the time, so that it can be cached for everybody.
        """
        links = {"links_section": self._links(patterns)}
        if self._template is None:
            return SystemPrompt(_fill(_STATIC, links), _fill(_PERSONAL, _about(principal, bool(tools))))
        names = ", ".join(tool.name for tool in tools)
        values = {**links, **_about(principal, bool(tools))}
        if names:
            values["tools_section"] = f"Available tools: {names}. {values['tools_section']}"
        return SystemPrompt("", _fill_own(self._template, values))

    def _links(self, patterns: str) -> str:
        if self._ui_url is None:
            return f"Paths of the UI, relative to its root, for pointing the user at a page:\n\n{patterns}"
        return (
            f"The UI is at {self._ui_url}. Link to a page by appending one of these paths"
            f" (such as {self._ui_url}/projects/123):\n\n{patterns}"
        )


def _about(principal: Principal, has_tools: bool) -> dict[str, str]:  # noqa: FBT001  # one value of a mapping
    permissions = ", ".join(sorted(principal.permissions)) or "none of their own"
    return {
        "display_name": _one_line(principal.display_name),
        "email": _one_line(principal.subject),
        "admin_flag": " (administrator: may do everything)" if principal.is_admin else "",
        "perms_section": f"Permissions: {permissions}.",
        "tools_section": "Use your tools to look up live data."
        if has_tools
        else "You have no tools now and cannot look up live data: say so, and point to the UI's pages.",
    }


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Put values into their places, once: braces in the values or elsewhere in the template mean nothing."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def _fill_own(template: str, values: Mapping[str, str]) -> str:
    """Fill an operator's template, in which doubled braces stand for single ones, as in `str.format`."""
    return _OWN.sub(lambda match: values[match[1]] if match[1] else match[0][0], template)


def _one_line(text: str) -> str:
    """Keep a user's own text from looking like a part of the prompt."""
    return " ".join(text.split())[:_LONGEST_NAME]
