"""A request to the Messages API, as the demo model reads it.

`local.messages_api` checks a body first; the models here only give its parts their types. Source: the request types of
the anthropic package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

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

_Request = TypeVar("_Request", bound="CountRequest")


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


class InputSchema(BaseModel):
    """A tool's JSON schema."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["object"]
    properties: dict[str, JsonValue] | None = None
    required: list[str] | None = None


class CustomTool(_Frozen):
    """A tool that the caller runs."""

    name: str
    input_schema: InputSchema
    description: str = ""
    type: Literal["custom"] | None = None
    defer_loading: bool = False


class ServerTool(BaseModel):
    """A tool that Anthropic would run; accepted, never used."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    name: str


def _tool_kind(tool: object) -> str:
    kind = tool.get("type") if isinstance(tool, Mapping) else getattr(tool, "type", None)
    return "custom" if kind in {None, "custom"} else "server"


Tool: TypeAlias = Annotated[
    Annotated[CustomTool, Tag("custom")] | Annotated[ServerTool, Tag("server")], Discriminator(_tool_kind)
]


class ToolChoice(_Frozen):
    """Whether a tool must, may or must not be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class CountRequest(_Frozen):
    """The body of a request to count tokens."""

    model: Annotated[str, Field(min_length=1)]
    messages: list[WireMessage]
    system: Annotated[list[TextBlock], BeforeValidator(_as_blocks)] = []
    tools: list[Tool] = []
    tool_choice: ToolChoice = ToolChoice(type="auto")
    thinking: dict[str, JsonValue] = {}

    @property
    def shows_thinking(self) -> bool:
        """Whether the model thinks before it replies, and the caller wants to read that."""
        return self.thinking.get("type") in {"adaptive", "enabled"} and self.thinking.get("display") != "omitted"

    @property
    def system_text(self) -> str:
        """The whole system prompt."""
        return "\n".join(block.text for block in self.system)


class MessagesRequest(CountRequest):
    """The body of a request for a reply."""

    max_tokens: Annotated[int, Field(ge=1)]
    stream: bool = False
    stop_sequences: list[str] = []


def parse_count(body: Body, *, betas: Collection[str] = ()) -> CountRequest:
    """Read a request to count tokens; `betas` are the values of its `anthropic-beta` header.

    Raises:
        ApiError: the API would not accept it.
    """
    return _parsed(CountRequest, body, betas=betas)


def parse_messages(body: Body, *, betas: Collection[str] = ()) -> MessagesRequest:
    """Read a request for a reply; `betas` are the values of its `anthropic-beta` header.

    Raises:
        ApiError: the API would not accept it.
    """
    return _parsed(MessagesRequest, body, betas=betas)


def _parsed(kind: type[_Request], body: Body, *, betas: Collection[str]) -> _Request:
    for problem in problems(body, betas=betas, is_count=kind is CountRequest):
        raise ApiError(INVALID_REQUEST, problem)
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ApiError(INVALID_REQUEST, f"{place}: {first['msg']}") from error
