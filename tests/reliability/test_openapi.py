"""Every request, valid by the service's OpenAPI document or not, gets a response that the document describes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from shared.http import event_schemas
from tests.support.aftermath import GOING_ON
from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

    from tests.support.client import Client
    from tests.support.model_server import ModelServer

ANONYMOUS_EXAMPLES = 3
STRANGERS: list[dict[str, str]] = [{}, {"Authorization": "Bearer x"}]
UNAUTHENTICATED = {"/status", "/livez", "/metrics"}


@pytest.mark.proves("input.document")
@pytest.mark.parametrize("examples", [5, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_the_document_is_kept(
    client: Client, model_server: ModelServer, mode: GenerationMode, examples: int
) -> None:
    """Each operation is asked with what its schema allows, and with what it does not; half the ids are real."""
    model_server.script(*(reply(text(GOING_ON)) for _ in range(examples)))
    conversation = await client.begin()
    headers = {"Authorization": f"Bearer {client.token}"}
    await asyncio.to_thread(_ask_everything, client, conversation, mode, headers, examples)
    model_server.clear()


@pytest.mark.proves("input.document")
@pytest.mark.parametrize("headers", STRANGERS, ids=["no token", "no good token"])
async def test_the_document_is_kept_for_strangers(client: Client, headers: dict[str, str]) -> None:
    conversation = await client.begin()
    await asyncio.to_thread(_ask_everything, client, conversation, GenerationMode.POSITIVE, headers, ANONYMOUS_EXAMPLES)


@pytest.mark.proves("input.document")
async def test_the_document_defines_the_shared_responses(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    for path, method, operation in _operations(document):
        responses = operation["responses"]
        assert not any("ValidationError" in str(response) for response in responses.values())
        if path in UNAUTHENTICATED:
            continue
        assert responses["401"]["headers"]["WWW-Authenticate"]
        assert ("404" in responses) is ("{" in path), (method, path)
        for status in filter(lambda status: status >= "400", responses):
            assert list(responses[status]["content"]) == ["application/json"], (method, path, status)
    message = document["paths"]["/conversations/{conversation_id}/messages"]["post"]["responses"]
    stream = message["200"]["content"]["text/event-stream"]["itemSchema"]
    assert stream == {"$ref": "#/components/schemas/AnswerEvent"}
    assert len(document["components"]["schemas"]["AnswerEvent"]["oneOf"]) == len(event_schemas.DATA)
    assert {"400", "401", "403", "404", "409", "413", "422", "503"} <= message.keys()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _ask_everything(
    client: Client, conversation: str, mode: GenerationMode, headers: dict[str, str], examples: int
) -> None:
    document = schemathesis.openapi.from_url(f"{str(client.http.base_url).rstrip('/')}/openapi.json")
    document.config.generation.update(with_security_parameters=False)  # the headers are given here
    asked = []
    for each in document.get_all_operations():
        operation: Any = each.ok()  # type: ignore[union-attr]  # a document that is wrong fails here, as it should
        with contextlib.suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            _ask(operation, conversation, mode, headers, examples)
            asked.append(operation.label)
    listed = sum(1 for _ in _operations(document.raw_schema))
    assert len(asked) >= (listed if mode is GenerationMode.POSITIVE else listed // 2), asked


def _without_the_store(response: Any) -> list[Any]:
    """Return the checks that a refusal cannot pass whose reason is what is stored: a key that was used before."""
    is_sentence = response.status_code == 422 and isinstance(response.json()["detail"], str)
    return [positive_data_acceptance] if is_sentence else []


def _ask(operation: Any, conversation: str, mode: GenerationMode, headers: dict[str, str], examples: int) -> None:
    number = itertools.count()

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case[Any]) -> None:
        if next(number) % 2 and "conversation_id" in (case.path_parameters or {}) and case.method != "DELETE":
            case.path_parameters["conversation_id"] = conversation
        response = case.call(headers=headers, timeout=20)
        case.validate_response(response, excluded_checks=_without_the_store(response))
        if headers in STRANGERS and operation.path not in UNAUTHENTICATED:
            assert response.status_code == 401, f"{case.method} {case.formatted_path}: {response.text}"

    ask()
