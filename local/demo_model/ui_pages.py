"""The pages of Imbi's UI, by the URL patterns in the system prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from local.demo_model.tool_results import text_of
from local.demo_model.wording import plural

if TYPE_CHECKING:
    from local.demo_model.tool_results import Record

_PATTERN = re.compile(r"(?<![\w<>:/.])/[a-z][\w-]*(?:/(?:[\w-]+|\{\w+\}))*")
_BASE = re.compile(r"https?://[^\s`'\"()<>{}]+")
_IDENTIFIERS = ("id", "slug", "email")


@dataclass(frozen=True)
class Pages:
    """The UI's URL patterns in a system prompt."""

    system: str

    @cached_property
    def _patterns(self) -> list[str]:
        return _PATTERN.findall(self.system)

    @cached_property
    def _base(self) -> str:
        """The UI's public base URL; empty if the prompt names none besides an example."""
        for line in self.system.splitlines():
            is_about_ui = re.search(r"\b(?:UI|user interface|base url)\b", line, re.IGNORECASE)
            found = _BASE.search(line)
            if is_about_ui and found and "example" not in line.lower():
                return found[0].rstrip("/.,;")
        return ""

    def named(self, name: str) -> str | None:
        """Return the path without placeholders that ends with a name, such as the dashboard's."""
        ending = "/" + name.replace(" ", "-")
        return next((path for path in self._plain if path.endswith(ending)), None)

    @property
    def _plain(self) -> list[str]:
        return [pattern for pattern in self._patterns if "{" not in pattern]

    def path(self, phrase: str, record: Record) -> str | None:
        """Return the path of a thing's page; None if no pattern fits."""
        section = plural(phrase).replace(" ", "-")
        for pattern in sorted(self._patterns, key=len):
            *before, name, last = ["", *pattern.strip("/").split("/")]
            if name == section and (placeholder := _placeholder(last)) and "{" not in "".join(before):
                return self._filled(pattern, placeholder, record)
        in_admin = any(pattern.startswith("/admin/{section}/{slug}") for pattern in self._patterns)
        slug = text_of(record.get("slug"))
        if in_admin and f"`{section}`" in self.system and slug:
            return f"/admin/{section}/{quote(slug)}"
        return None

    def section(self, phrase: str) -> str | None:
        """Return the path of the page that lists a kind of thing; None if there is none."""
        section = plural(phrase).replace(" ", "-")
        if "/admin/{section}" in self._patterns and f"`{section}`" in self.system:
            return f"/admin/{section}"
        wanted = {f"/{section}", f"/{phrase.replace(' ', '-')}"}
        found = [pattern for pattern in self._plain if any(pattern.endswith(ending) for ending in wanted)]
        return min(found, key=len, default=None)

    def link(self, phrase: str, record: Record, text: str) -> str:
        """Return a Markdown link to a thing's page; the text alone if there is no page."""
        path = self.path(phrase, record)
        return f"[{text}]({self._base}{path})" if path else text

    @staticmethod
    def _filled(pattern: str, placeholder: str, record: Record) -> str | None:
        wanted = next((name for name in _IDENTIFIERS if placeholder == name or placeholder.endswith(f"_{name}")), "id")
        value = text_of(record.get(wanted))
        return pattern.replace(f"{{{placeholder}}}", quote(value)) if value else None


def _placeholder(step: str) -> str | None:
    return step[1:-1] if step.startswith("{") and step.endswith("}") else None
