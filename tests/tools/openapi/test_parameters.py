"""Parameters as arguments of tools."""

from __future__ import annotations

from tests.support.openapi_documents import DocumentApi, body, operation


async def test_an_operation_without_an_id_or_parameters_is_a_tool() -> None:
    api = DocumentApi({"/projects/{id}/links": {"get": {}}})
    assert (await api.definitions())["list_project_links"].input_schema == {
        "type": "object",
        "properties": {"id": {"type": "string"}},
        "required": ["id"],
    }
    assert str((await api.sent("list_project_links", id="a b")).url) == "http://api/projects/a%20b/links"


async def test_renamed_parameters_are_sent_under_their_real_names() -> None:
    parameters = [
        {"name": "page[size]", "in": "query", "schema": {"type": "integer"}},
        {"name": "page(size)", "in": "query", "schema": {}},
        {"name": "größe", "in": "query"},
        {"name": "x" * 70, "in": "query"},
        {"name": "id", "in": "query"},
        {"name": "id", "in": "header"},
        {"name": "id", "in": "cookie"},
    ]
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "@type": {"type": "string"}}}
    api = DocumentApi({"/x/{id}": {"post": operation("x", parameters=parameters, requestBody=body(schema))}})
    names = list(await api.properties())
    assert names == [
        "id__path",
        "page_size_",
        "page_size__2",
        "gr__e",
        "x" * 60,
        "id__query",
        "id__header",
        "id__cookie",
        "id",
        "_type",
    ]
    values = {name: index for index, name in enumerate(names)}
    request = await api.sent("x", **values | {"_type": "t"})
    assert (
        request.url.raw_path.decode() == f"/x/0?page%5Bsize%5D=1&page%28size%29=2&gr%C3%B6%C3%9Fe=3&{'x' * 70}=4&id=5"
    )
    assert (request.headers["id"], request.headers["cookie"], request.content) == ("6", "id=7", b'{"id":8,"@type":"t"}')


async def test_headers_that_the_client_sets_are_no_arguments() -> None:
    headers = ["Authorization", "COOKIE", "Host", "Content-Type", "Accept", "If-Match"]
    parameters = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in headers]
    api = DocumentApi({"/x": {"get": operation("x", parameters=parameters)}})
    assert list(await api.properties()) == ["If-Match"]
    request = await api.sent("x", **{"If-Match": "etag"})
    assert (request.headers["if-match"], request.headers["authorization"]) == ("etag", "Bearer admin-token")
