"""An Imbi API of things that notes which request of the service's clients caused each of its changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response


@dataclass(frozen=True, slots=True)
class Effect:
    """A change that took effect."""

    method: str
    name: str
    request_id: str
    """The X-Request-ID of the service's request, which is that of its own client."""


@dataclass
class ApprovalApi:
    """The application and its effects. Every thing that was not deleted exists."""

    effects: list[Effect] = field(default_factory=list)
    app: FastAPI = field(default_factory=lambda: FastAPI(title="Imbi"))
    _changed: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = "/api/things/{name}"
        self.app.get(path, operation_id="get_thing")(self._get)
        self.app.patch(path, operation_id="change_thing")(self._change)
        self.app.delete(path, operation_id="delete_thing", status_code=204, response_class=Response)(self._delete)

    async def _get(self, name: str) -> dict[str, Any]:
        """Return a thing."""
        if self._changed.get(name) == -1:
            raise HTTPException(404, "There is no such thing.")
        return {"name": name, "changed": self._changed.get(name, 0)}

    async def _change(self, name: str, request: Request) -> dict[str, Any]:
        """Change a thing."""
        self._note(request, name)
        self._changed[name] = self._changed.get(name, 0) + 1
        return {"name": name, "changed": self._changed[name]}

    async def _delete(self, name: str, request: Request) -> None:
        """Delete a thing."""
        self._note(request, name)
        self._changed[name] = -1

    def _note(self, request: Request, name: str) -> None:
        self.effects.append(Effect(request.method, name, request.headers.get("x-request-id", "")))
