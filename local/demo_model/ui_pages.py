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


@dataclass(frozen=True)
class Pages:
    """The UI's URL patterns in a system prompt."""

    system: str

    @cached_property
    def _patterns(self) -> list[str]:
        """The patterns, the shortest first."""
        return sorted(_PATTERN.findall(self.system), key=len)

    @cached_property
    def _base(self) -> str:
        """The UI's public base URL; empty if the prompt names none besides an example."""
        for line in self.system.splitlines():
            is_about_ui = re.search(r"\b(?:UI|user interface|base url)\b", line, re.IGNORECASE)
            found = _BASE.search(line)
            if is_about_ui and found and "example" not in line.lower():
                return found[0].rstrip("/.,;")
        return ""

    def path(self, kind: str, record: Record) -> str | None:
        """Return the path of a thing's page; None if no pattern fits."""
        section = plural(kind).replace(" ", "-")
        for pattern in self._patterns:
            if found := re.fullmatch(
                rf"(?P<place>(?:/[\w-]+)*/{section}/)\{{(?:\w+_)?(?P<key>id|slug|email)\}}", pattern
            ):
                value = text_of(record.get(found["key"]))
                return found["place"] + quote(value) if value else None
        slug = text_of(record.get("slug"))
        return (
            f"/admin/{section}/{quote(slug)}"
            if slug and self._has_section("/admin/{section}/{slug}", section)
            else None
        )

    def named(self, name: str) -> str | None:
        """Return the path of the page with a name such as "dashboard", or of the page that lists a kind of thing."""
        section = plural(name).replace(" ", "-")
        if self._has_section("/admin/{section}", section):
            return f"/admin/{section}"
        endings = (f"/{section}", f"/{name.replace(' ', '-')}")
        return next((path for path in self._patterns if "{" not in path and path.endswith(endings)), None)

    def _has_section(self, pattern: str, section: str) -> bool:
        """Return whether a pattern is there whose sections are listed, and one of them is this one."""
        return pattern in self._patterns and f"`{section}`" in self.system

    def link(self, kind: str, record: Record, text: str) -> str:
        """Return a Markdown link to a thing's page; the text alone if there is no page."""
        path = self.path(kind, record)
        return f"[{text}]({self._base}{path})" if path else text
