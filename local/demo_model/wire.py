"""A request to the Messages API, as the demo model reads it.

`local.messages_api` checks a body first; the models here only give its parts their types. Source: the request types of
the anthropic package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
)

from local.messages_api import ApiError, problems
from local.messages_api.errors import INVALID_REQUEST

if TYPE_CHECKING:
    from local.messages_api.request import Body


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextBlock(_Frozen):
    """Text of either side."""

    type: Literal["text"]
    text: str


class ToolUseBlock(_Frozen):
    """A call that the assistant made."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, JsonValue]


class OtherBlock(BaseModel):
    """A block that the demo model accepts and does not read."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str


def _block_kind(block: object) -> str:
    kind = block.get("type") if isinstance(block, Mapping) else getattr(block, "type", None)
    return kind if kind in {"text", "tool_use", "tool_result"} else "other"


def _as_blocks(content: object) -> object:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


ResultContent: TypeAlias = Annotated[
    Annotated[TextBlock, Tag("text")] | Annotated[OtherBlock, Tag("other")], Discriminator(_block_kind)
]


class ToolResultBlock(_Frozen):
    """What a call gave."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: Annotated[list[ResultContent], BeforeValidator(_as_blocks)] | None = None
    is_error: bool | None = None

    @property
    def text(self) -> str:
        """The result's text blocks, joined."""
        return "\n".join(block.text for block in self.content or [] if isinstance(block, TextBlock))


Block: TypeAlias = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[ToolUseBlock, Tag("tool_use")]
    | Annotated[ToolResultBlock, Tag("tool_result")]
    | Annotated[OtherBlock, Tag("other")],
    Discriminator(_block_kind),
]


class WireMessage(_Frozen):
    """A message of the conversation; a plain string is one text block."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Block], BeforeValidator(_as_blocks)]


class Tool(_Frozen):
    """A tool; those that Anthropic would run have no input schema."""

    name: str
    input_schema: dict[str, JsonValue] | None = None
    description: str = ""
    defer_loading: bool = False


class ToolChoice(_Frozen):
    """Whether a tool must, may or must not be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class MessagesRequest(_Frozen):
    """The body of a request for a reply."""

    model: Annotated[str, Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)]
    messages: list[WireMessage]
    system: Annotated[list[TextBlock], BeforeValidator(_as_blocks)] = []
    tools: list[Tool] = []
    tool_choice: ToolChoice = ToolChoice(type="auto")
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
        return "\n".join(block.text for block in self.system)


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
