"""The pages of `docs/reference/` agree with the code: routes, events, settings and limits."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args, get_origin, get_type_hints
from uuid import uuid4

import orjson
import pytest
from annotated_types import MaxLen
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from functions import metrics
from local_server import ROUTES
from shared.agent.outcome import STOPPED, Interruption, failure_of
from shared.claude import errors
from shared.domain.approvals import AskedCall
from shared.domain.errors import AssistantError, GraphBusy
from shared.domain.events import (
    AnswerEvent,
    AnswerFailed,
    AnswerRestarted,
    AnswerStored,
    ApprovalRequired,
    BlockFinished,
    ClientActionRequested,
    TextAdded,
    ThinkingAdded,
    TitleChosen,
    ToolCallBegun,
    ToolFinished,
    ToolInputAdded,
    ToolStarted,
)
from shared.domain.models import Usage
from shared.domain.receipts import ShownReceipt
from shared.http import error_responses, event_schemas
from shared.http.sse import frame
from shared.settings import Settings
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import JsonValue

REFERENCE = Path(__file__).parent.parent / "docs/reference"
RECEIPT = ShownReceipt(id="a", kind="changed", path="/a")
EVENTS: tuple[AnswerEvent, ...] = (
    AnswerRestarted(),
    TextAdded("a"),
    ThinkingAdded("a"),
    ToolCallBegun("a", "a"),
    ToolInputAdded("a"),
    BlockFinished(),
    ToolStarted("a", "a"),
    ToolFinished("a", "a", is_error=False, duration_ms=1, receipt=RECEIPT),
    ClientActionRequested("a", "a", {}),
    AnswerStored(uuid4(), Usage(), "end_turn"),
    ApprovalRequired(uuid4(), clock.now(), (AskedCall(id="a", name="b", input={}, method=None, path=None),)),
    TitleChosen("a"),
    AnswerFailed("a", "internal", retryable=True, retry_after=3),
)
VALIDATION = {"408", "413", "422", "431"}
"""Statuses that the server, the middleware and FastAPI give."""

CONSTANT = re.compile(r"((?:\w+\.)+)(\w+)(?:\((\w+)\))?")
"""`module.NAME`, `module.Model.field` or `module.function(parameter)`."""


def table(page: str, head: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is `head`."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    lines = text[text.index(f"\n| {head} |") + 1 :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def default_of(name: str) -> str:
    """Return a setting's default as the page writes it."""
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
    for module in (*ROUTES, metrics):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield method, route.path.replace("{conversation_id}", "{id}"), str(route.status_code or 200)


def keys(data: JsonValue) -> list[str]:
    """Return an event's field names in their order; the names inside an object or a list follow its own."""
    if isinstance(data, list):
        return keys(data[0]) if data else []
    if not isinstance(data, dict):
        return []
    return [name for field, value in data.items() for name in (field, *keys(value))]


def value_of(constant: str) -> float | None:
    """Return the number that a constant, a field's longest text or a parameter's default has; None if it is missing."""
    matched = CONSTANT.fullmatch(constant)
    if matched is None:
        return None
    path, name, parameter = matched.groups()
    owner = found(path.rstrip("."))
    if parameter is not None:
        return of_parameter(getattr(owner, name, None), parameter)
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        field = owner.model_fields.get(name)
        return field and (longest_of(field.metadata) or longest(field.annotation))
    value = getattr(owner, name, None)
    return float(value) if isinstance(value, int | float) else None


def found(path: str) -> object:
    """Return a module, or a class of a module; None if neither exists."""
    module, _, name = path.rpartition(".")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return getattr(found(module), name, None) if module else None


def equal_to(value: float, constant: str) -> list[str]:
    """Return the constants with a value in the module that a constant should be in, to find one that was renamed."""
    module = found(constant.rpartition(".")[0])
    return [name for name, other in vars(module).items() if other == value] if inspect.ismodule(module) else []


def of_parameter(function: object, parameter: str) -> float | None:
    if not callable(function):
        return None
    declared = inspect.signature(function).parameters.get(parameter)
    if declared is None:
        return None
    if isinstance(declared.default, int | float):
        return float(declared.default)
    return longest(get_type_hints(function, include_extras=True)[parameter])


def longest(annotation: object) -> float | None:
    """Find the greatest length that an annotated type allows."""
    own, *metadata = get_args(annotation) if get_origin(annotation) is Annotated else (None,)
    bounds = [bound for each in metadata for bound in (each, *getattr(each, "metadata", ()))]
    return longest_of(bounds) or next(filter(None, map(longest, get_args(own or annotation))), None)


def longest_of(bounds: Iterable[object]) -> float | None:
    return next((float(bound.max_length) for bound in bounds if isinstance(bound, MaxLen)), None)


@pytest.mark.proves("settings.defaults")
def test_every_setting_is_listed_with_its_default() -> None:
    listed = {name.strip("`"): default for name, default, _ in table("settings.md", "Variable")}
    assert listed == {str(field.alias): default_of(name) for name, field in Settings.model_fields.items()}


def test_every_route_is_listed_with_its_status() -> None:
    listed = [(method, path.strip("`"), status) for method, path, status, _ in table("routes.md", "Method")]
    assert sorted(listed) == sorted(routes())


async def test_every_status_of_an_error_is_listed() -> None:
    app = FastAPI()
    error_responses.install(app)
    statuses = set()
    for kind, render in app.exception_handlers.items():
        if isinstance(kind, type) and issubclass(kind, AssistantError):
            response = render(Request({"type": "http"}), kind())
            assert inspect.isawaitable(response)
            statuses.add(str((await response).status_code))
    listed = {status for status, _ in table("routes.md", "Status")}
    assert listed == statuses | VALIDATION


def test_every_event_is_listed_with_its_data() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(AnswerEvent))
    listed = {name.strip("`"): re.findall(r"\w+", data) for name, data, _ in table("events.md", "Event")}
    sent = [frame(event, "an id").decode().split("\n") for event in EVENTS]
    assert listed == {
        name.removeprefix("event: "): keys(orjson.loads(data.removeprefix("data: "))) for name, data, *_ in sent
    }


def test_the_openapi_document_has_every_event_with_its_fields() -> None:
    for event in EVENTS:
        name, data, *_ = frame(event).decode().split("\n")
        fields = event_schemas.DATA[name.removeprefix("event: ")]
        assert fields.keys() <= orjson.loads(data.removeprefix("data: ")).keys(), name
    assert {name.strip("`") for name, *_ in table("events.md", "Event")} == event_schemas.DATA.keys()


def test_every_code_of_an_error_event_is_listed() -> None:
    kinds = {kind.code for kind in vars(errors).values() if isinstance(getattr(kind, "code", None), str)}
    ends = {reason.value.code for reason in Interruption if reason.value is not None}
    listed = {code.strip("`") for code, _ in table("events.md", "Code")}
    assert listed == kinds | ends | {failure_of(GraphBusy()).code}
    assert f"`{STOPPED}`" in (REFERENCE / "events.md").read_text(encoding="utf-8")


def test_every_fixed_limit_is_what_the_code_has() -> None:
    wrong = []
    for limit, value, constant in table("limits.md", "Limit"):
        name, listed = constant.strip("`"), float(value.replace(",", ""))
        if (actual := value_of(name)) != listed:
            wrong.append(f"{limit}: {name} is {actual}, not {value}; equal are: {', '.join(equal_to(listed, name))}")
    assert not wrong, "docs/reference/limits.md:\n" + "\n".join(wrong)


def test_a_missing_constant_is_found() -> None:
    assert value_of("shared.http.sse.MISSING") is None
    assert value_of("shared.missing.LIMIT") is None
    assert value_of("shared.http.schemas.NewMessage.missing") is None
    assert value_of("functions.send_message.send_message(missing)") is None
