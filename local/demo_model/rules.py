"""Checking a request as the Messages API does: first its shape, then the rules between its messages.

The error texts follow the public API's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import orjson
from pydantic import ValidationError

from local.demo_model.wire import CountRequest, CustomTool, MessagesRequest, TextBlock, ToolResultBlock, ToolUseBlock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.demo_model.wire import WireMessage

MAX_BREAKPOINTS = 4
"""How many blocks of one request may carry `cache_control`."""

_Request = TypeVar("_Request", bound=CountRequest)


class BadRequest(Exception):
    """The API would answer 400 with this message."""


def parse_count(body: bytes) -> CountRequest:
    """Read a request to count tokens.

    Raises:
        BadRequest: the API would not accept it.
    """
    return _checked(CountRequest, body)


def parse_messages(body: bytes) -> MessagesRequest:
    """Read a request for a reply.

    Raises:
        BadRequest: the API would not accept it.
    """
    request = _checked(MessagesRequest, body)
    if request.messages[-1].role == "assistant":
        raise BadRequest(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    return request


def _checked(kind: type[_Request], body: bytes) -> _Request:
    try:
        request = kind.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{place}: {first['msg'].removeprefix('Value error, ')}" if place else first["msg"]) from error
    for problem in _broken_rules(request):
        raise BadRequest(problem)
    return request


def _broken_rules(request: CountRequest) -> Iterator[str]:
    yield from _about_order(request.messages)
    yield from _about_text(request)
    yield from _about_calls(request.messages)
    yield from _about_tools(request)
    count = _breakpoints(request)
    if count > MAX_BREAKPOINTS:
        yield f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {count}."


def _about_order(messages: list[WireMessage]) -> Iterator[str]:
    if not messages:
        yield "messages: at least one message is required"
    elif messages[0].role != "user":
        yield 'messages: first message must use the "user" role'
    for index, message in enumerate(messages):
        if not message.content:
            yield f"messages.{index}: all messages must have non-empty content"


def _about_text(request: CountRequest) -> Iterator[str]:
    if any(not block.text for block in request.system):
        yield "system: text content blocks must be non-empty"
    for message in request.messages:
        for block in message.content:
            if isinstance(block, TextBlock) and not block.text:
                yield "messages: text content blocks must be non-empty"
            if isinstance(block, TextBlock) and not block.text.strip():
                yield "messages: text content blocks must contain non-whitespace text"


def _about_calls(messages: list[WireMessage]) -> Iterator[str]:
    seen: set[str] = set()
    expected: set[str] = set()
    for index, message in enumerate(messages):
        answered = _leading_results(message)
        if missing := expected - answered:
            yield (
                f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(missing))}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message."
            )
        yield from _about_results(index, message, expected)
        expected = set()
        for place, block in enumerate(message.content):
            if isinstance(block, ToolUseBlock):
                if message.role == "user":
                    yield f"messages.{index}.content.{place}: `tool_use` blocks can only be in `assistant` messages"
                if block.id in seen:
                    yield f"messages.{index}.content.{place}: `tool_use` ids must be unique"
                seen.add(block.id)
                expected.add(block.id)
    if expected:
        yield f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after"


def _leading_results(message: WireMessage) -> set[str]:
    answered: set[str] = set()
    for block in message.content:
        if not isinstance(block, ToolResultBlock):
            break
        answered.add(block.tool_use_id)
    return answered


def _about_results(index: int, message: WireMessage, expected: set[str]) -> Iterator[str]:
    found: set[str] = set()
    for place, block in enumerate(message.content):
        if not isinstance(block, ToolResultBlock):
            continue
        if message.role == "assistant":
            yield f"messages.{index}.content.{place}: `tool_result` blocks can only be in `user` messages"
        if block.tool_use_id not in expected:
            yield (
                f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block.tool_use_id}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
        if block.tool_use_id in found:
            yield f"messages.{index}.content.{place}: each tool_use must have a single result. Found multiple."
        found.add(block.tool_use_id)


def _about_tools(request: CountRequest) -> Iterator[str]:
    names = [tool.name for tool in request.tools]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."
    choice = request.tool_choice
    if choice.type == "tool" and choice.name not in names:
        yield f"Tool '{choice.name}' not found in provided tools"
    if choice.type == "any" and not any(isinstance(tool, CustomTool) for tool in request.tools):
        yield "tool_choice.any may only be specified while providing tools."


def _breakpoints(request: CountRequest) -> int:
    blocks = [block for message in request.messages for block in message.content]
    marked = [*request.system, *request.tools, *blocks]
    return sum(item.cache_control is not None for item in marked) + (request.cache_control is not None)
