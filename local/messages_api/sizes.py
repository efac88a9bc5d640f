"""The rules about sizes and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.messages_api.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Body

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""Page: "Errors", request size limits."""

MAX_MESSAGES: Final = 100_000
"""Page: the Messages API's reference."""


def check_body_size(content: bytes) -> None:
    """Check a body's size.

    Raises:
        ApiError: it has more than 32 MB.
    """
    if len(content) > MAX_BODY_BYTES:
        raise ApiError("request_too_large", "Request exceeds the maximum size")


def max_tokens(body: Body) -> Iterator[str]:
    """`max_tokens` is a whole number above 0. Page: the Messages API's reference.

    The API also takes 0, which only warms the cache; it is refused here, because nobody who stands in for the API
    warms a cache, so a 0 is a mistake.
    """
    value = body["max_tokens"]
    if not isinstance(value, int) or isinstance(value, bool):
        yield "max_tokens: Input should be a valid integer"
    elif value < 1:
        yield "max_tokens: Input should be greater than or equal to 1"


def message_count(body: Body) -> Iterator[str]:
    """A request has at least one message and at most 100,000. Page: the Messages API's reference."""
    if not body["messages"]:
        yield "messages: at least one message is required"
    elif len(body["messages"]) > MAX_MESSAGES:
        yield f"messages: List should have at most {MAX_MESSAGES} items"
