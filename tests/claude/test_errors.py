"""The failures of a reply, in the log."""

from __future__ import annotations

import httpx2
import orjson
import pytest

from shared.claude.endpoint import ApiError, error_of
from shared.claude.errors import describe


def refusal(status: int, kind: str, message: str) -> ApiError:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return error_of(httpx2.Response(status, headers={"request-id": "req_1"}), orjson.dumps(body))


@pytest.mark.proves("leaks.none")
@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error"), (401, "odd")])
def test_the_message_of_a_refused_key_is_not_logged(status: int, kind: str) -> None:
    described = describe(refusal(status, kind, "invalid x-api-key: sk-canary"))
    assert described == f"HTTP {status} {kind} (request req_1)"


@pytest.mark.proves("leaks.none")
def test_the_reason_of_a_refused_request_is_logged() -> None:
    described = describe(refusal(400, "invalid_request_error", "messages.0: at least one block is required"))
    assert described == "HTTP 400 invalid_request_error messages.0: at least one block is required (request req_1)"
