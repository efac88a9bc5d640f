"""Descriptions of tools and parameters."""

from __future__ import annotations

from tests.support.openapi_documents import DocumentApi, operation


async def test_descriptions_are_tidy_and_bounded() -> None:
    text = (
        "Get it,\nwrapped ``here``.\n\nSee :meth:`~x.y`.\x00\n\n"
        "Args:\n    q: The query,\n        wrapped.\n    z (int): No.\n\nReturns:\n    It.\n\nAfter."
    )
    api = DocumentApi(
        {
            "/a": {
                "get": operation("get_a", summary="Get A", description=text, parameters=[{"name": "q", "in": "query"}])
            },
            "/b": {"get": operation("get_b", summary="Something else", description="Long. " * 500)},
            "/c": {"get": operation("get_c", summary="Only this.")},
            "/d": {"get": operation("get_d", description="word" * 500)},
            "/e": {"get": operation("get_e")},
        }
    )
    found = await api.definitions()
    assert found["get_a"].description == "Get it, wrapped `here`.\nSee `x.y`.\nAfter."
    assert found["get_a"].input_schema["properties"] == {"q": {"description": "The query, wrapped."}}
    assert found["get_b"].description.startswith("Something else. Long. Long.")
    assert found["get_b"].description.endswith("Long.")
    assert max(len(definition.description) for definition in found.values()) <= 1000
    assert found["get_c"].description == "Only this."
    assert found["get_d"].description.endswith("wor…")
    assert found["get_e"].description == "get e"
