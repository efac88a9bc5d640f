"""Files that a call uploads, as FastAPI receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import httpx2
import pytest
from fastapi import FastAPI, File, Request, UploadFile

from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import called
from tests.support.openapi_documents import DocumentApi, body, operation

if TYPE_CHECKING:
    from shared.domain.models import JsonObject


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("Hello", {"name": "file.txt", "type": "text/plain", "content": "Hello"}),
        ("<svg/>", {"name": "file.svg", "type": "image/svg+xml", "content": "<svg/>"}),
        ("data:text/csv;base64,YSxi", {"name": "file.csv", "type": "text/csv", "content": "a,b"}),
        ("data:text/html,a%20b", {"name": "file.html", "type": "text/html", "content": "a b"}),
        ("data:,plain", {"name": "file.plain", "type": "text/plain", "content": "plain"}),
        ("data:a\r\nX: b,c", {"name": "file.octet", "type": "application/octet-stream", "content": "c"}),
    ],
)
async def test_a_file_is_uploaded(tools: OpenAPIToolset, file: str, expected: JsonObject) -> None:
    assert await called(tools, "create_file", org_slug="acme", file=file) == {"org": "acme", **expected}


def uploads() -> FastAPI:
    app = FastAPI()

    @app.post("/one", operation_id="upload_optional")
    async def upload_optional(file: UploadFile | None = None) -> str | None:
        return f"{file.filename} {(await file.read()).decode()}" if file else None

    @app.post("/many", operation_id="upload_many")
    async def upload_many(files: Annotated[list[UploadFile], File()]) -> list[str]:
        return [f"{file.filename} {(await file.read()).decode()}" for file in files]

    @app.post("/optional-many", operation_id="upload_optional_many")
    async def upload_optional_many(files: Annotated[list[UploadFile] | None, File()] = None) -> int:
        return len(files or ())

    @app.put("/raw", operation_id="put_raw", openapi_extra={"requestBody": RAW})
    async def put_raw(request: Request) -> str:
        return (await request.body()).hex()

    return app


RAW = {"required": True, "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("upload_optional", {"file": "hello"}, "file.txt hello"),
        ("upload_optional", {"file": None}, None),
        ("upload_many", {"files": ["one", "data:text/plain;base64,dHdv"]}, ["files.txt one", "files.plain two"]),
        ("upload_many", {"files": "one"}, ["files.txt one"]),
        ("upload_optional_many", {"files": ["a", "b", "c"]}, 3),
        ("upload_optional_many", {"files": []}, 0),
        ("put_raw", {"body": "data:application/octet-stream;base64,AAEC/w=="}, "000102ff"),
        ("put_raw", {"body": "text"}, b"text".hex()),
    ],
)
async def test_fastapi_receives_the_files(name: str, arguments: dict[str, Any], expected: Any) -> None:
    tools = OpenAPIToolset("http://api", transport=httpx2.ASGITransport(uploads()))
    await tools.load()
    assert await called(tools, name, **arguments) == expected
    await tools.aclose()


@pytest.mark.parametrize("value", ["data:image/png;base64,AAEC/w==", "AAEC/w=="])
async def test_a_file_in_base64_is_sent_as_base64(value: str) -> None:
    file = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
    schema = {"type": "object", "properties": {"file": file}}
    api = DocumentApi({"/x": {"post": operation("upload", requestBody=body(schema, "multipart/form-data"))}})
    content = (await api.sent("upload", file=value)).content
    assert b"\r\nAAEC/w==\r\n" in content
    assert b"Content-Transfer-Encoding: base64" in content
    assert b'filename="file.' in content
