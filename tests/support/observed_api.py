"""An Imbi API whose operations a test can hold up, and which records its callers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import jwt
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request

if TYPE_CHECKING:
    from fastapi import Response

SECONDS = 20
READS = {"x-imbi-permission": ["project:read"]}


def subject_of(authorization: str) -> str:
    """Return the subject of a bearer token without checking it: the test knows what it sent."""
    claims = jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})
    return str(claims["sub"])


operations = APIRouter()


@operations.get("/whoami", openapi_extra=READS)
async def whoami(authorization: Annotated[str, Header()], mark: str = "") -> dict[str, str]:
    """Return the caller's email."""
    await asyncio.sleep(0)
    return {"email": subject_of(authorization), "mark": mark}


@operations.get("/echo", openapi_extra=READS)
async def echo(text: str) -> dict[str, str]:
    """Return the text."""
    return {"text": text}


@operations.get("/long_text", openapi_extra=READS)
async def long_text(size: int) -> str:
    """Return a text of a length."""
    return "x" * size


@operations.get("/fail", openapi_extra=READS)
async def fail(status: int, detail: str = "It does not work.") -> None:
    """Fail in a given way."""
    raise HTTPException(status, detail)


@operations.get("/hang", openapi_extra=READS)
async def hang() -> None:
    """Never answer."""
    await asyncio.Event().wait()


@operations.post("/projects", openapi_extra={"x-imbi-permission": ["project:write"]})
async def create_project(name: str) -> dict[str, str]:
    """Create a project."""
    return {"name": name}


@operations.post("/users", openapi_extra={"x-imbi-permission": "admin"})
async def create_user(email: str) -> dict[str, str]:
    """Create a user."""
    return {"email": email}


@operations.get("/secret", openapi_extra={"x-imbi-ai-tool": False})
async def get_secret() -> str:
    """Return a text that no model may see."""
    return "secret"


@operations.get("/auth/me")
@operations.get("/mfa/codes")
@operations.get("/status")
@operations.get("/uploads/{name}/thumbnail")
async def forbidden() -> str:
    """Be no tool."""
    return "forbidden"


@dataclass
class ObservedApi:
    """The application and what reached it; it is served in another thread than the test's."""

    seen: list[tuple[str, str]] = field(default_factory=list)
    """Path with query and Authorization of every call."""
    connections: set[object] = field(default_factory=set)
    """The addresses of the connections over which requests came."""
    app: FastAPI = field(default_factory=lambda: FastAPI(title="Imbi"))

    def __post_init__(self) -> None:
        self._arrived: dict[int, asyncio.Event] = {}
        self._left: dict[int, asyncio.Event] = {}
        self.app.include_router(self._router(), prefix="/api")
        self.app.include_router(operations, prefix="/api")
        self.app.middleware("http")(self._note)

    @property
    def calls(self) -> list[str]:
        """Paths with their queries of the calls, without those for the document."""
        return [path for path, _ in self.seen if path.startswith("/api/")]

    async def _note(self, request: Request, call_next: Any) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        self.connections.add(request.client)
        self.seen.append((request.url.path + query, request.headers.get("Authorization", "")))
        answer: Response = await call_next(request)
        return answer

    def _router(self) -> APIRouter:
        router = APIRouter()

        @router.get("/meet", openapi_extra=READS)
        async def meet(seat: int, seats: int) -> str:
            """Wait until everybody is there, then leave, the last seat first."""
            async with asyncio.timeout(SECONDS):
                self._event(self._arrived, seat).set()
                for other in range(seats):
                    await self._event(self._arrived, other).wait()
                for later in range(seat + 1, seats):
                    await self._event(self._left, later).wait()
            self._event(self._left, seat).set()
            return f"seat {seat}"

        return router

    def _event(self, events: dict[int, asyncio.Event], seat: int) -> asyncio.Event:
        return events.setdefault(seat, asyncio.Event())
