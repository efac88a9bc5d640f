"""The system prompt, which stays the same for a whole conversation, and the facts that each question contains."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.domain.prompt_template import PLACEHOLDERS
from shared.domain.requests import SystemPrompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.domain.models import Principal
    from shared.domain.ports import ToolDefinition

_FOLDER = Path(__file__).parent
_STATIC = (_FOLDER / "prompt.md").read_text(encoding="utf-8")
_PERSONAL = (_FOLDER / "prompt_personal.md").read_text(encoding="utf-8")
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PLACEHOLDERS)})\}}")
_OWN = re.compile(_PLACEHOLDER.pattern + r"|\{\{|\}\}")
_LONGEST_NAME = 200
_MOST_ORGANIZATIONS = 50

FACTS_TAG: Final = "imbi_facts"
"""The tag around the facts in a question's message. The prompt explains it to the model."""


class PromptWriter:
    """Writes the system prompt of a conversation from the bundled template or an operator's own template."""

    def __init__(self, template: str | None = None, ui_url: str | None = None) -> None:
        self._template = template
        self._ui_url = ui_url

    def write(self, principal: Principal, tools: Sequence[ToolDefinition], patterns: str) -> SystemPrompt:
        """Write the prompt; `patterns` are the UI's URL patterns, for links.

        Neither part contains a date or a time. With the bundled template, neither part contains tools or permissions.
        Facts that change during a conversation are appended with `question_context`. The static part is the same for
        all users, so that they share one cache entry.
        """
        links = {"links_section": self._links(patterns)}
        if self._template is None:
            return SystemPrompt(_fill(_STATIC, links), _fill(_PERSONAL, _user(principal)))
        return SystemPrompt("", _fill_own(self._template, {**links, **_user(principal), **_rights(principal, tools)}))

    def _links(self, patterns: str) -> str:
        if self._ui_url is None:
            return f"Paths of the UI, relative to its root, for pointing the user at a page:\n\n{patterns}"
        return (
            f"The UI is at {self._ui_url}. Link to a page by appending one of these paths"
            f" (such as {self._ui_url}/projects/123):\n\n{patterns}"
        )


def question_context(principal: Principal, now: datetime, *, pages: str | None = None, user: str | None = None) -> str:
    """Return the facts to add to a question, as one text.

    `now` is an aware time in the user's time zone, or in UTC if the zone is unknown. `pages` are the UI's URL patterns,
    and `user` is the user's name. Pass them only if they have changed since the conversation last contained them.
    """
    lines = [
        "Added by the service, not written by the user.",
        f"Now: {now:%A}, {now.isoformat(' ', 'minutes')} ({_zone(now)})",
    ]
    if principal.organizations:
        shown = [_fact(slug) for slug in principal.organizations[:_MOST_ORGANIZATIONS]]
        more = " and others" if len(principal.organizations) > _MOST_ORGANIZATIONS else ""
        lines.append(f"The user's organizations (org_slug): {', '.join(shown)}{more}")
    else:
        lines.append("The user is a member of no organization.")
    if user is not None:
        lines.append(f"The user is now: {_fact(user)}")
    if pages is not None:
        lines.append(f"The pages of the UI have changed. They are now:\n{_without_tag(pages)}")
    return "\n".join([f"<{FACTS_TAG}>", *lines, f"</{FACTS_TAG}>"])


def _zone(now: datetime) -> str:
    """Return a time zone's name in the tz database, such as Europe/Berlin."""
    return str(getattr(now.tzinfo, "key", None) or now.tzname() or "UTC")


def _fact(text: str) -> str:
    return _without_tag(_one_line(text))


def _without_tag(text: str) -> str:
    """Remove the facts' tag from a text, so that the text cannot end the block around it."""
    return re.sub(rf"<(?=/?{FACTS_TAG})", "", text, flags=re.IGNORECASE)


def _user(principal: Principal) -> dict[str, str]:
    return {
        "display_name": _one_line(principal.display_name),
        "email": _one_line(principal.subject),
        "admin_flag": " (administrator: may do everything)" if principal.is_admin else "",
    }


def _rights(principal: Principal, tools: Sequence[ToolDefinition]) -> dict[str, str]:
    """Return the permissions and the names of the tools; only an operator's own template shows them."""
    permissions = ", ".join(sorted(principal.permissions)) or "none of their own"
    names = ", ".join(tool.name for tool in tools)
    return {
        "perms_section": f"Permissions: {permissions}.",
        "tools_section": f"Available tools: {names}. Use your tools to look up live data."
        if names
        else "You have no tools now and cannot look up live data: say so, and point to the UI's pages.",
    }


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Fill in the values once. Braces in the values or elsewhere in the template have no special meaning."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def _fill_own(template: str, values: Mapping[str, str]) -> str:
    """Fill in an operator's template. Doubled braces in it mean single braces, as in `str.format`."""
    return _OWN.sub(lambda match: values[match[1]] if match[1] else match[0][0], template)


def _one_line(text: str) -> str:
    """Put a user's text on one line and shorten it, so that it cannot look like a part of the prompt."""
    return " ".join(text.split())[:_LONGEST_NAME]
