"""What can go wrong with an external server, in words for operators and models: no address, no secret, no trace."""

from __future__ import annotations

from http import HTTPStatus

import httpx2

from shared.domain.errors import ToolError
from shared.tools.mcp.egress import is_refused

_LARGEST_MEGABYTES = 8
LARGEST_ANSWER = _LARGEST_MEGABYTES * 1_000_000
"""Bytes that are read of one answer."""


class ServerProblem(ToolError):
    """A server cannot be used; the message is what stands behind its name: `cannot be reached`, say."""


class AnswerTooLarge(httpx2.ReadError):
    """The server sends more than is read."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


def problem_of(error: httpx2.HTTPError | httpx2.InvalidURL) -> ServerProblem:
    """Say what an HTTP client's error means."""
    match error:
        case AnswerTooLarge():
            return ServerProblem(f"gave an answer of more than {_LARGEST_MEGABYTES} MB: ask for less")
        case httpx2.TimeoutException():
            return ServerProblem("did not answer in time")
        case httpx2.ConnectError() if is_refused(error):
            return ServerProblem("is at an address that the assistant may not connect to")
        case httpx2.ConnectError():
            return ServerProblem("cannot be reached")
        case httpx2.TransportError() if not isinstance(error, httpx2.UnsupportedProtocol):
            return ServerProblem("broke off the connection before its answer was complete")
        case _:
            return ServerProblem("has an address or gives answers that cannot be used")


def problem_of_status(status: int) -> ServerProblem:
    """Say what an HTTP status means that no answer came with."""
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ServerProblem(f"does not accept the assistant's credentials (HTTP {status})")
        case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return ServerProblem("redirects to somewhere else, which is not followed")
        case _:
            return ServerProblem(f"answered HTTP {status}")


def late(seconds: float) -> ServerProblem:
    """Say that a bound has passed."""
    return ServerProblem(f"did not answer within {seconds:g} seconds")
