"""The UI's pages: addresses made from the URL patterns that the system prompt gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from local.demo_model.language import plural
from local.demo_model.reading import text_of

if TYPE_CHECKING:
    from local.demo_model.reading import Record

_PATTERN = re.compile(r"(?<![\w<>:/.])/[a-z][\w-]*(?:/(?:[\w-]+|\{\w+\}))*")
_BASE = re.compile(r"https?://[^\s`'\"()<>{}]+")
_IDENTIFIERS = ("id", "slug", "email")


@dataclass(frozen=True)
class Pages:
    """What a system prompt says about the UI's addresses."""

    system: str

    @cached_property
    def _patterns(self) -> list[str]:
        return _PATTERN.findall(self.system)

    @cached_property
    def _base(self) -> str:
        """The UI's public address; empty where the prompt names none beyond an example."""
        for line in self.system.splitlines():
            is_about_ui = re.search(r"\b(?:UI|user interface|base url)\b", line, re.IGNORECASE)
            found = _BASE.search(line)
            if is_about_ui and found and "example" not in line.lower():
                return found[0].rstrip("/.,;")
        return ""

    @property
    def plain(self) -> list[str]:
        """The pages that are about no single thing, such as the dashboard."""
        return [pattern for pattern in self._patterns if "{" not in pattern]

    def path(self, phrase: str, record: Record) -> str | None:
        """The path of a thing's page; None where no pattern fits."""
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
        """The path of the page that lists a kind of thing."""
        section = plural(phrase).replace(" ", "-")
        if "/admin/{section}" in self._patterns and f"`{section}`" in self.system:
            return f"/admin/{section}"
        wanted = {f"/{section}", f"/{phrase.replace(' ', '-')}"}
        found = [pattern for pattern in self.plain if any(pattern.endswith(ending) for ending in wanted)]
        return min(found, key=len, default=None)

    def link(self, phrase: str, record: Record, text: str) -> str:
        """A Markdown link to a thing's page; the text alone where it has none."""
        path = self.path(phrase, record)
        return f"[{text}]({self._base}{path})" if path else text

    @staticmethod
    def _filled(pattern: str, placeholder: str, record: Record) -> str | None:
        wanted = next((name for name in _IDENTIFIERS if placeholder == name or placeholder.endswith(f"_{name}")), "id")
        value = text_of(record.get(wanted))
        return pattern.replace(f"{{{placeholder}}}", quote(value)) if value else None


def _placeholder(step: str) -> str | None:
    return step[1:-1] if step.startswith("{") and step.endswith("}") else None
