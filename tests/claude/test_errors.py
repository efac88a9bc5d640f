"""The failures of a reply, in the log."""

from __future__ import annotations

import anthropic
import httpx2
import pytest

from shared.claude.errors import describe


def refusal(status: int, kind: str, message: str) -> anthropic.APIStatusError:
    request = httpx2.Request("POST", "https://api.example.com/v1/messages")
    response = httpx2.Response(status, request=request, headers={"request-id": "req_1"})
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return anthropic.APIStatusError(message, response=response, body=body)


@pytest.mark.proves("leaks.none")
@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error"), (401, "odd")])
def test_the_message_of_a_refused_key_is_not_logged(status: int, kind: str) -> None:
    described = describe(refusal(status, kind, "invalid x-api-key: sk-canary"))
    assert described == f"HTTP {status} {kind} (request req_1)"


@pytest.mark.proves("leaks.none")
def test_the_reason_of_a_refused_request_is_logged() -> None:
    described = describe(refusal(400, "invalid_request_error", "messages.0: at least one block is required"))
    assert described == "HTTP 400 invalid_request_error messages.0: at least one block is required (request req_1)"
