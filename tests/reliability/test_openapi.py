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
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.support.aftermath import GOING_ON
from tests.support.model_server import reply, text

if TYPE_CHECKING:
    from schemathesis import Case

    from tests.support.client import Client
    from tests.support.model_server import ModelServer

EXAMPLES = 25
OPERATIONS = 8
EXPECTED = {200, 201, 204, 401, 404, 405, 409, 413, 422}


@pytest.mark.proves("input.document")
@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_the_document_is_kept(client: Client, model_server: ModelServer, mode: GenerationMode) -> None:
    """Each operation is asked with what its schema allows, and with what it does not; half the ids are real."""
    model_server.script(*(reply(text(GOING_ON)) for _ in range(EXAMPLES)))
    conversation = await client.begin()
    await asyncio.to_thread(_ask_everything, client, conversation, mode)
    model_server.clear()


def _ask_everything(client: Client, conversation: str, mode: GenerationMode) -> None:
    document = schemathesis.openapi.from_url(f"{str(client.http.base_url).rstrip('/')}/openapi.json")
    asked = []
    for each in document.get_all_operations():
        operation: Any = each.ok()  # type: ignore[union-attr]  # a document that is wrong fails here, as it should
        with contextlib.suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            _ask(operation, client, conversation, mode)
            asked.append(operation.label)
    assert len(asked) >= OPERATIONS - (mode is GenerationMode.NEGATIVE), asked


def _ask(operation: Any, client: Client, conversation: str, mode: GenerationMode) -> None:
    number = itertools.count()

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case[Any]) -> None:
        if next(number) % 2 and "conversation_id" in (case.path_parameters or {}) and case.method != "DELETE":
            case.path_parameters["conversation_id"] = conversation
        response = case.call(headers={"Authorization": f"Bearer {client.token}"}, timeout=20)
        # The document has an answer's events as one text, and refusals as FastAPI's own; both are proved elsewhere.
        is_plain = response.status_code < 400 and "text/event-stream" not in str(response.headers.get("content-type"))
        checks = [not_a_server_error, *([response_schema_conformance] if is_plain else [])]
        case.validate_response(response, checks=checks)
        assert response.status_code in EXPECTED, f"{case.method} {case.formatted_path}: {response.text}"

    ask()
