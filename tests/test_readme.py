"""What the README says of routes, events, settings and commands, held against the code; and every document's links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from uuid import uuid4

import orjson
import pytest
from fastapi.routing import APIRoute

from cli import main
from local_server import ROUTES
from shared.agent.outcome import STOPPED, Interruption
from shared.claude import errors
from shared.domain.events import (
    AnswerEvent,
    AnswerFailed,
    AnswerStored,
    BlockFinished,
    ClientActionRequested,
    TextAdded,
    TitleChosen,
    ToolCallBegun,
    ToolFinished,
    ToolInputAdded,
    ToolStarted,
)
from shared.domain.models import Usage
from shared.http.sse import frame
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EVENTS: tuple[AnswerEvent, ...] = (
    TextAdded("a"),
    ToolCallBegun("a", "a"),
    ToolInputAdded("a"),
    BlockFinished(),
    ToolStarted("a", "a"),
    ToolFinished("a", "a", is_error=False, duration_ms=1),
    ClientActionRequested("a", "a", {}),
    AnswerStored(uuid4(), Usage(), "end_turn"),
    TitleChosen("a"),
    AnswerFailed("a", "internal", retryable=True),
)

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def table(title: str) -> list[list[str]]:
    """Give the rows of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def in_code(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def default_of(name: str) -> str:
    """Write a setting's default as the README does."""
    field = Settings.model_fields[name]
    value = field.default
    if field.is_required():
        return "required"
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{value}`".lower()
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def routes() -> Iterator[tuple[str, str, str]]:
    for module in ROUTES:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield method, re.sub(r"\{\w+\}", "{id}", route.path), str(route.status_code or 200)


def keys(data: JsonValue) -> list[str]:
    """Give an event's field names in their order, those of objects after their own."""
    if not isinstance(data, dict):
        return []
    return [name for field, value in data.items() for name in (field, *keys(value))]


@pytest.mark.proves("settings.defaults")
def test_the_readme_has_every_setting_with_its_default() -> None:
    told = {name.strip("`"): default for name, default, _ in table("Settings")}
    assert told == {str(field.alias): default_of(name) for name, field in Settings.model_fields.items()}


def test_the_readme_has_every_route_with_its_status() -> None:
    told = [(method, path.strip("`"), status) for method, path, status, _ in table("Routes")]
    assert sorted(told) == sorted(routes())


def test_the_readme_has_every_event_with_its_data() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(AnswerEvent))
    told = {name.strip("`"): re.findall(r"\w+", data) for name, data, _ in table("Events")}
    sent = [frame(event).decode().split("\n") for event in EVENTS]
    assert told == {
        name.removeprefix("event: "): keys(orjson.loads(data.removeprefix("data: "))) for name, data, *_ in sent
    }


def test_the_readme_has_every_code_of_an_error() -> None:
    kinds = {kind.code for kind in vars(errors).values() if isinstance(getattr(kind, "code", None), str)}
    ends = {reason.value.code for reason in Interruption if reason.value is not None}
    listed = section("Events").rsplit("`code` is one of", 1)[1]
    assert in_code(listed) == kinds | ends
    assert STOPPED in in_code(section("Events"))


def test_the_commands_of_the_documents_exist() -> None:
    goals = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        named = re.findall(r"(?:`|^\$ |=… )make ([a-z]+)", document.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= goals, document.name


def test_the_subcommands_of_the_documents_exist(capsys: pytest.CaptureFixture[str]) -> None:
    for document in DOCUMENTS:
        for name in re.findall(r"(?:`|bin/)imbi-assistant ([a-z]+)", document.read_text(encoding="utf-8")):
            with pytest.raises(SystemExit) as ended:
                main([name, "--help"])
            assert ended.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in LINK.findall(CODE.sub("", text)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = document.parent / path if path else document
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """Give the anchors that headings have where Markdown is shown as GitHub shows it."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
