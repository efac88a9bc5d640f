"""An API of JSON documents that can be changed in every format, with ETags, and whose readings a test can disturb."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.documents_schema import KINDS, document

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request


class Refused(Exception):
    """The API answers 422."""


@dataclass
class DocumentsApi:
    """The application, its documents by kind and id, and what reached it."""

    things: dict[str, dict[str, Any]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    effects: list[tuple[str, str]] = field(default_factory=list)
    """The method and path of each change that took effect."""
    reads: int = 0
    reading: Callable[[], Any] | None = None
    """What happens at each reading, instead of its usual answer."""
    has_etags: bool = True
    refuses_changes: bool = False
    envelope: str = ""
    """The name under which a thing is shown, instead of as the whole document."""
    sent_conditions: list[str] = field(default_factory=list)
    """The If-Match of the changes that had one."""

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self.app = Starlette(
            routes=[
                Route("/openapi.json", self._describe),
                Route("/api/{kind}", self._make, methods=["POST"]),
                Route("/api/{kind}", self._list, methods=["GET"]),
                Route("/api/{kind}/{key}", self._read, methods=["GET"]),
                Route("/api/{kind}/{key}", self._change, methods=["PATCH", "PUT", "DELETE"]),
            ]
        )

    async def _describe(self, _request: Request) -> Response:
        return JSONResponse(document())

    async def _list(self, request: Request) -> Response:
        return JSONResponse([*self.things[request.path_params["kind"]].values()])

    async def _read(self, request: Request) -> Response:
        self.reads += 1
        if self.reading is not None:
            answer = self.reading()
            response: Response = await answer if asyncio.iscoroutine(answer) else answer
            return response
        thing = self._thing(request)
        return self.shown(thing) if thing is not None else JSONResponse({"detail": "not found"}, 404)

    async def _make(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        body = await request.json()
        if KINDS[kind].key == "id":
            body = {**body, "id": f"{kind}-{next(self._ids)}", "created_at": str(next(self._ids))}
        key = str(body[KINDS[kind].key])
        status = KINDS[kind].created_status
        if key in self.things[kind] and status == 201:
            return JSONResponse({"detail": "exists"}, 409)
        self._store(request, kind, key, body)
        return JSONResponse(self.things[kind][key], status)

    async def _change(self, request: Request) -> Response:
        kind, key = request.path_params["kind"], request.path_params["key"]
        current = self._thing(request)
        if (refusal := self._refusal(request, current)) is not None:
            return refusal
        if request.method == "PUT" and (current is not None or KINDS[kind].puts_new):
            body = await request.json()
            kept = {
                name: current[name] for name in ("id", "created_at") if isinstance(current, dict) and name in current
            }
            self._store(request, kind, key, {**body, **kept} if isinstance(body, dict) else body)
            return self.shown(self.things[kind][key])
        if current is None:
            return JSONResponse({"detail": "not found"}, 404)
        if request.method == "DELETE":
            self.effects.append((request.method, request.url.path))
            del self.things[kind][key]
            return Response(status_code=204)
        try:
            changed = patched(current, await request.json(), request.headers["Content-Type"])
        except Refused as error:
            return JSONResponse({"detail": str(error)}, 422)
        self._store(request, kind, key, changed)
        return self.shown(self.things[kind][key])

    def _refusal(self, request: Request, current: Any) -> Response | None:
        if self.refuses_changes:
            return JSONResponse({"detail": "not now"}, 409)
        condition = request.headers.get("If-Match")
        if condition is None:
            return None
        self.sent_conditions.append(condition)
        is_same = current is not None and condition == etag(current)
        return None if is_same else JSONResponse({"detail": "changed"}, 412)

    def _thing(self, request: Request) -> Any:
        return self.things[request.path_params["kind"]].get(request.path_params["key"])

    def _store(self, request: Request, kind: str, key: str, value: Any) -> None:
        self.effects.append((request.method, request.url.path))
        if isinstance(value, dict):
            value = {**value, "updated_at": str(next(self._ids))}
        self.things[kind][key] = value

    def shown(self, thing: Any) -> Response:
        """Answer with a thing."""
        shown = {self.envelope: thing} if self.envelope else thing
        return JSONResponse(shown, headers={"ETag": etag(thing)} if self.has_etags else None)


def etag(thing: Any) -> str:
    """Return the strong entity tag of a document (RFC 9110, section 8.8.3)."""
    return f'"{sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest()[:16]}"'


def patched(thing: Any, body: Any, content_type: str) -> Any:
    """Apply a body in one of the three formats of PATCH."""
    match content_type.partition(";")[0]:
        case "application/json-patch+json":
            result = copy.deepcopy(thing)
            for step in body:
                _apply(result, step)
            return result
        case "application/merge-patch+json":
            return merged(thing, body)
        case _:
            return {**thing, **body}


def merged(target: Any, patch: Any) -> Any:
    """Apply a merge patch, as RFC 7396 has it in its section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _apply(thing: Any, step: dict[str, Any]) -> None:
    """Apply one step of a JSON Patch to a document whose root is an object (RFC 6902, section 4)."""
    *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in step["path"].split("/")[1:]]
    for token in parents:
        try:
            thing = thing[int(token) if isinstance(thing, list) else token]
        except (KeyError, IndexError, ValueError, TypeError):
            raise Refused(f"no {step['path']}") from None
    if isinstance(thing, list):
        index = len(thing) if last == "-" else int(last)
        if index > len(thing) - (step["op"] != "add"):
            raise Refused(f"no {step['path']}")
        if step["op"] == "add":
            thing.insert(index, step["value"])
        elif step["op"] == "replace":
            thing[index] = step["value"]
        else:
            del thing[index]
    elif not isinstance(thing, dict) or (step["op"] != "add" and last not in thing):
        raise Refused(f"no {step['path']}")
    elif step["op"] == "remove":
        del thing[last]
    else:
        thing[last] = step["value"]
