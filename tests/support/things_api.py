"""An Imbi API of a few things, which counts everything that changes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException, Response
from pydantic import BaseModel

ID = "/api/things/{thing_id}"


class Thing(BaseModel):
    """A thing."""

    name: str
    owner: str | None = None


@dataclass
class ThingsApi:
    """The application, its things, and the changes in their order, each as method and path."""

    things: dict[str, dict[str, Any]] = field(default_factory=lambda: {"web": {"name": "Web", "owner": "ops"}})
    effects: list[str] = field(default_factory=list)
    app: FastAPI = field(default_factory=lambda: FastAPI(title="Imbi"))

    def __post_init__(self) -> None:
        app = self.app
        app.get("/api/things", operation_id="list_things")(self._list)
        app.get(ID, operation_id="get_thing")(self._get)
        app.post("/api/things", operation_id="create_thing", status_code=201)(self._create)
        app.put(ID, operation_id="replace_thing")(self._replace)
        app.delete(ID, operation_id="delete_thing", status_code=204, response_class=Response)(self._delete)
        app.post("/api/api-keys", operation_id="create_api_key", status_code=201)(self._create_key)
        app.post("/api/wipe", operation_id="wipe_things", openapi_extra={"x-imbi-destructive": True})(self._wipe)

    async def _list(self) -> list[str]:
        """List all things."""
        return sorted(self.things)

    async def _get(self, thing_id: str) -> dict[str, Any]:
        """Get a thing."""
        return self._thing(thing_id)

    async def _create(self, thing_id: Annotated[str, Body()], thing: Thing) -> dict[str, Any]:
        """Create a thing."""
        self.effects.append(f"POST {thing_id}")
        self.things[thing_id] = thing.model_dump()
        return self.things[thing_id]

    async def _replace(self, thing_id: str, thing: Thing) -> dict[str, Any]:
        """Replace a thing."""
        self._thing(thing_id)
        self.effects.append(f"PUT {thing_id}")
        self.things[thing_id] = thing.model_dump()
        return self.things[thing_id]

    async def _delete(self, thing_id: str) -> None:
        """Delete a thing."""
        self.effects.append(f"DELETE {thing_id}")
        if self.things.pop(thing_id, None) is None:
            raise HTTPException(404, "There is no such thing.")

    async def _create_key(self, name: str) -> dict[str, str]:
        """Create an API key."""
        self.effects.append(f"POST key {name}")
        return {"key_id": name, "key_secret": "ik_hidden_value"}

    async def _wipe(self) -> dict[str, int]:
        """Delete all things."""
        self.effects.append("POST wipe")
        count = len(self.things)
        self.things.clear()
        return {"deleted": count}

    def _thing(self, thing_id: str) -> dict[str, Any]:
        if thing_id not in self.things:
            raise HTTPException(404, "There is no such thing.")
        return self.things[thing_id]
