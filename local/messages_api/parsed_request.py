"""A request to the Messages API, with types for the parts that a server reads.

The rules check a body first; the models here only read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, ValidationError

from local.messages_api.errors import INVALID_REQUEST, ApiError
from local.messages_api.rules import problems

if TYPE_CHECKING:
    from collections.abc import Collection

    from local.messages_api.request import Body


def _as_blocks(content: object) -> object:
    """Return content as a list of blocks; a plain string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


Blocks: TypeAlias = "Annotated[list[Block], BeforeValidator(_as_blocks)]"


class Block(BaseModel):
    """A content block of any type; the fields that its type does not have are empty."""

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, JsonValue] = {}
    tool_use_id: str = ""
    content: Blocks = []
    is_error: bool | None = None
    tool_name: str = ""
    tool: dict[str, JsonValue] = {}


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: Blocks


class Tool(BaseModel):
    """A tool; those that Anthropic would run have no input schema."""

    name: str
    input_schema: dict[str, JsonValue] | None = None
    defer_loading: bool = False


class ToolChoice(BaseModel):
    """Whether a tool must, may or must not be called."""

    type: Literal["auto", "any", "tool", "none"] = "auto"
    name: str | None = None
    disable_parallel_tool_use: bool = False


class MessagesRequest(BaseModel):
    """The body of a request for a reply."""

    model: Annotated[str, Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)]
    messages: list[Message]
    system: Blocks = []
    tools: list[Tool] = []
    tool_choice: ToolChoice = ToolChoice()
    thinking: dict[str, JsonValue] = {}
    stream: bool = False
    stop_sequences: list[str] = []

    @property
    def shows_thinking(self) -> bool:
        """Whether the model thinks before it replies, and the caller wants to read that."""
        return self.thinking.get("type") in {"adaptive", "enabled"} and self.thinking.get("display") != "omitted"

    @property
    def system_text(self) -> str:
        """The whole system prompt."""
        return text_in(self.system)


def text_in(blocks: list[Block]) -> str:
    """Return the text blocks, joined."""
    return "\n".join(block.text for block in blocks if block.type == "text").strip()


def check(body: Body, *, betas: Collection[str] = (), is_count: bool = False) -> None:
    """Check a request for a reply or for a count of tokens; `betas` are the values of its `anthropic-beta` header.

    Raises:
        ApiError: the API would not accept it.
    """
    for problem in problems(body, betas=betas, is_count=is_count):
        raise ApiError(INVALID_REQUEST, problem)


def parse_messages(body: Body, *, betas: Collection[str] = ()) -> MessagesRequest:
    """Read a request for a reply.

    Raises:
        ApiError: the API would not accept it.
    """
    check(body, betas=betas)
    try:
        return MessagesRequest.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ApiError(INVALID_REQUEST, f"{place}: {first['msg']}") from error
