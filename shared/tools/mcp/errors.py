"""The failures of an external MCP server, in sentences for models and operators: no address, no secret, no trace."""

from __future__ import annotations

from http import HTTPStatus

import httpx2

from shared.domain.errors import ToolError
from shared.tools.mcp.egress import is_refused

_MAX_RESPONSE_MEGABYTES = 8
MAX_RESPONSE_BYTES = _MAX_RESPONSE_MEGABYTES * 1_000_000
"""Bytes that are read for one listing or one call, after decompression."""


class McpServerError(ToolError):
    """A server could not do its part. The message completes a sentence: "The server … cannot be reached".

    `public_message` is the same without text from the server, so that it can be stored and shown to operators.
    `is_unreachable` says that the server sent no complete response.
    """

    def __init__(self, message: str, *, public_message: str | None = None, is_unreachable: bool = False) -> None:
        super().__init__(message)
        self.public_message = message if public_message is None else public_message
        self.is_unreachable = is_unreachable


class InvalidArguments(McpServerError):
    """The server refused the arguments of a call (JSON-RPC error -32602). The server itself works."""


class ResponseTooLarge(httpx2.ReadError):
    """The server sent more than `MAX_RESPONSE_BYTES`."""

    def __init__(self) -> None:
        super().__init__("the response is too large")


def from_http_error(error: httpx2.HTTPError | httpx2.InvalidURL) -> McpServerError:
    """Describe an error of the HTTP client."""
    match error:
        case ResponseTooLarge():
            return McpServerError(f"sent more than {_MAX_RESPONSE_MEGABYTES} MB: ask for less")
        case httpx2.TimeoutException():
            return McpServerError("did not answer in time", is_unreachable=True)
        case httpx2.ConnectError() if is_refused(error):
            return McpServerError("has an address that the assistant must not connect to", is_unreachable=True)
        case httpx2.ConnectError():
            return McpServerError("cannot be reached", is_unreachable=True)
        case httpx2.TransportError() if not isinstance(error, httpx2.UnsupportedProtocol):
            return McpServerError("closed the connection before its response was complete", is_unreachable=True)
        case _:
            return McpServerError("has an invalid address or sends invalid responses")


def from_http_status(status: int) -> McpServerError:
    """Describe an HTTP status that came without a message of the protocol."""
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return McpServerError(f"does not accept the assistant's credentials (HTTP {status})")
        case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return McpServerError("redirects to another address, and the assistant does not follow")
        case _:
            return McpServerError(f"answered HTTP {status}")


def timed_out(seconds: float) -> McpServerError:
    """Describe a timeout of `seconds`."""
    return McpServerError(f"did not answer within {seconds:g} seconds", is_unreachable=True)
