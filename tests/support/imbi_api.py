"""An API in Imbi's ways for tests of the tools: a FastAPI application that records the requests that reach it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import httpx2
from fastapi import APIRouter, FastAPI, Header, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from shared.domain.models import Caller, Principal
from shared.tools.openapi.toolset import OpenAPIToolset

READS = {"x-imbi-permission": ["project:read"]}
WRITES = {"x-imbi-permission": ["project:read", "project:write"]}

ADMIN = Caller(Principal("admin@example.com", "Ada", is_admin=True), "admin-token")
READER = Caller(Principal("reader@example.com", "Ray", permissions=frozenset({"project:read"})), "reader-token")
GUEST = Caller(Principal("guest@example.com", "Gus"), "guest-token")


class Project(BaseModel):
    """A body that takes fields of any name beside its own."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(min_length=1, description="The project's name.")]
    description: str | None = None
    kind: Literal["service", "library"] = "service"
    owners: list[str] = []
    parent: Project | None = None


class Template(BaseModel):
    """A body that has a field of its path's name."""

    slug: str
    title: str | None = None


class Patch(BaseModel):
    """A step of a JSON Patch."""

    op: Literal["add", "remove", "replace"]
    path: str
    value: Any = None


class Options(BaseModel):
    """A body that may be empty."""

    depth: int = 1


router = APIRouter(prefix="/organizations/{org_slug}")


@router.get("/projects/", openapi_extra=READS)
async def list_projects(  # noqa: PLR0913  # a real listing has as many
    request: Request,
    org_slug: str,
    filter: Annotated[list[str] | None, Query(description="Repeatable.")] = None,  # noqa: A002  # Imbi's name
    *,
    slim: bool = False,
    limit: Annotated[int, Query(ge=1)] = 20,
    page_size: Annotated[int | None, Query(alias="page[size]")] = None,
    x_trace: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    """List projects of an organization.

    Parameters:
        org_slug: Organization slug.

    Returns:
        Nothing that a model has to read of.
    """
    return {
        "org": org_slug,
        "filter": filter,
        "slim": slim,
        "limit": limit,
        "page_size": page_size,
        "trace": x_trace,
        "query": str(request.url.query),
    }


@router.post("/projects/", status_code=201, openapi_extra=WRITES)
async def create_project(org_slug: str, project: Project) -> dict[str, Any]:
    """Create a project."""
    return {"org": org_slug, **project.model_dump(exclude_unset=True)}


@router.get("/projects/{project_id}", openapi_extra=READS)
async def get_project(org_slug: str, project_id: str) -> dict[str, str]:
    """Get a project."""
    return {"org": org_slug, "id": project_id}


@router.patch("/projects/{project_id}", openapi_extra=WRITES)
async def patch_project(org_slug: str, project_id: str, operations: list[Patch]) -> dict[str, Any]:
    """Change a project by a JSON Patch."""
    return {"org": org_slug, "id": project_id, "count": len(operations)}


@router.delete("/projects/{project_id}", status_code=204, openapi_extra={"x-imbi-permission": "admin"})
async def delete_project(org_slug: str, project_id: str) -> None:
    """Delete a project."""


@router.get("/projects/{project_id}/secrets", openapi_extra={"x-imbi-ai-tool": False})
async def get_secrets(org_slug: str, project_id: str) -> str:
    """Read what no model may read."""
    return f"secrets of {org_slug}/{project_id}"


@router.put("/templates/{slug}")
async def update_template(org_slug: str, slug: str, template: Template) -> dict[str, Any]:
    """Replace a template."""
    return {"org": org_slug, "path": slug, **template.model_dump(exclude_unset=True)}


@router.post("/scan")
async def scan_projects(org_slug: str, options: Options) -> dict[str, Any]:
    """Scan the projects."""
    return {"org": org_slug, "depth": options.depth}


@router.post("/files")
async def create_file(org_slug: str, file: UploadFile) -> dict[str, Any]:
    """Store a file."""
    content = (await file.read()).decode()
    return {"org": org_slug, "name": file.filename, "type": file.content_type, "content": content}


@dataclass
class ImbiApi:
    """The application, what reached it, and what makes it answer late."""

    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path as sent, and Authorization of every request."""
    cookies: list[str | None] = field(default_factory=list)
    late: asyncio.Event = field(default_factory=asyncio.Event)
    """What `/api/late` waits for."""
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        self.app = FastAPI(openapi_url="/openapi.json")
        self.app.include_router(router, prefix="/api")
        self.app.include_router(self._late_answer(), prefix="/api")
        self.app.include_router(odd, prefix="/api")
        self.app.include_router(_never_tools(), prefix="/api")
        self.app.middleware("http")(self._note)

    def toolset(self, **settings: Any) -> OpenAPIToolset:
        """Return a toolset of this application, served in process."""
        return OpenAPIToolset("http://imbi-api:8000", transport=httpx2.ASGITransport(self.app), **settings)

    async def _note(self, request: Request, call_next: Any) -> Response:
        raw = request.scope["raw_path"].decode()
        self.seen.append((request.method, raw, request.headers.get("Authorization")))
        self.cookies.append(request.headers.get("Cookie"))
        answer: Response = await call_next(request)
        return answer

    def _late_answer(self) -> APIRouter:
        router = APIRouter()

        @router.get("/late")
        async def get_late() -> str:
            await self.late.wait()
            return "late"

        return router


odd = APIRouter()


@odd.get("/whoami")
async def whoami(request: Request, response: Response, wait: float = 0.0) -> str | None:
    await asyncio.sleep(wait)
    response.set_cookie("session", str(request.headers.get("Authorization")))
    return request.headers.get("Authorization")


@odd.get("/picture")
async def get_picture() -> Response:
    return Response(b"\x89PNG\x00\x01", media_type="image/png")


@odd.get("/page")
async def get_page() -> PlainTextResponse:
    return PlainTextResponse("caf\u00e9\x00".encode("latin-1"), media_type="text/plain; charset=latin-1")


@odd.get("/large")
async def get_large() -> Response:
    return Response(b"x" * 17_000_000, media_type="text/plain")


@odd.post("/moved", status_code=307)
async def post_moved(options: Options) -> RedirectResponse:
    return RedirectResponse(f"/api/landed?depth={options.depth}", 307)


@odd.post("/landed")
async def post_landed(request: Request) -> dict[str, Any]:
    body = await request.json()
    return {"query": request.url.query, "body": body, "token": request.headers.get("Authorization")}


@odd.get("/elsewhere")
async def get_elsewhere() -> RedirectResponse:
    return RedirectResponse("http://evil.example.com/steal")


@odd.get("/failing/{status}")
async def get_failing(request: Request, status: int, kind: str = "detail") -> Response:
    details: dict[str, Any] = {
        "trace": 'Broken.\nTraceback (most recent call last):\n  File "a.py"',
        "urls": "See http://db.internal:5432/x, http://10.0.0.1/ and https://docs.example.com/help.",
        "token": f"You sent {request.headers.get('Authorization')}.",
        "dict": {"code": "conflict", "stack": "at line 1"},
        "long": "x" * 10_000,
    }
    bodies = {
        "detail": JSONResponse({"detail": "No project 'x' here."}),
        "page": Response("<h1>Traceback</h1>", media_type="text/html"),
        "plain": PlainTextResponse("Plainly wrong."),
        "empty": Response(),
        "list": JSONResponse(["a", 1]),
        "bare": JSONResponse({"problem": "bad"}),
        "broken": Response("{", media_type="application/json"),
    }
    answer = bodies.get(kind) or JSONResponse({"detail": details[kind]})
    answer.status_code = status
    return answer


def _never_tools() -> APIRouter:
    never = APIRouter()
    for path in ("/auth/login", "/mfa/setup", "/status", "/uploads/{upload_id}/thumbnail", "/auth"):

        @never.get(path)
        async def get_forbidden() -> str:
            return "never"

    return never
