"""An Imbi API that counts the changes that reach it, and that can hold a change until the test lets it go."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request

from tests.support.observed_api import READS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRITES = {"x-imbi-permission": ["project:write"]}


@dataclass(frozen=True)
class Arrival:
    """A request that reached the API."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class CountedApi:
    """The application, which is served in another thread, and what reached it."""

    arrivals: list[Arrival] = field(default_factory=list)
    app: FastAPI = field(default_factory=lambda: FastAPI(title="Imbi"))
    things: dict[str, int] = field(default_factory=dict)
    """How often each thing was changed."""
    on_change: Callable[[], None] = lambda: None
    """Called before and after each change takes effect."""
    url: str = ""
    """Where a test serves it."""

    def __post_init__(self) -> None:
        self._may_answer = threading.Event()
        self._may_answer.set()
        self.app.include_router(self._router(), prefix="/api")

    @property
    def changes(self) -> list[Arrival]:
        """The requests that changed something."""
        return [each for each in self.arrivals if each.method != "GET"]

    def reads(self, name: str) -> int:
        """Count the readings of a thing."""
        return sum(each.method == "GET" and each.path.endswith(f"/{name}") for each in self.arrivals)

    def hold(self) -> None:
        """Let changes take effect, but answer none until `release`."""
        self._may_answer.clear()

    def release(self) -> None:
        """Answer the changes that are held."""
        self._may_answer.set()

    def _router(self) -> APIRouter:
        router = APIRouter()

        @router.get("/things/{name}", openapi_extra=READS)
        async def get_thing(name: str, request: Request) -> dict[str, Any]:
            """Return a thing."""
            self._note(request)
            return {"name": name, "changed": self.things.get(name, 0)}

        @router.patch("/things/{name}", openapi_extra=WRITES)
        async def change_thing(name: str, request: Request, password: str = "") -> dict[str, Any]:
            """Change a thing."""
            self._note(request)
            self.on_change()
            self.things[name] = self.things.get(name, 0) + 1
            self.on_change()
            await asyncio.to_thread(self._may_answer.wait)
            return {"name": name, "password_length": len(password)}

        return router

    def _note(self, request: Request) -> None:
        self.arrivals.append(Arrival(request.method, request.url.path, dict(request.headers)))
