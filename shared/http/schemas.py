"""The bodies of requests and responses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

if TYPE_CHECKING:
    from shared.domain import models


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain lone surrogates")
    return text


Text = Annotated[str, AfterValidator(_storable)]


class NewConversation(BaseModel):
    """What a conversation is created with."""

    model: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class ConversationChanges(BaseModel):
    """What is to change; what is absent or null stays."""

    title: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    is_archived: bool | None = None


class NewMessage(BaseModel):
    """A user's message."""

    content: Annotated[Text, Field(min_length=1, max_length=32_768)]


class Conversation(BaseModel):
    """A conversation without its messages."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_email: str
    title: str | None
    created_at: datetime
    updated_at: datetime
    model: str
    is_archived: bool


class Message(BaseModel):
    """A stored message."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    conversation_id: UUID
    role: Literal["user", "assistant"]
    content: str
    tool_use: list[dict[str, JsonValue]] | None
    tool_results: list[dict[str, JsonValue]] | None
    created_at: datetime
    sequence: int
    token_usage: dict[str, JsonValue] | None


class ConversationWithMessages(Conversation):
    """A conversation with its messages, oldest first."""

    messages: list[Message]

    @classmethod
    def of(cls, conversation: models.Conversation, messages: list[models.StoredMessage]) -> ConversationWithMessages:
        """Join a conversation and its messages."""
        said = [Message.model_validate(message) for message in messages]
        return cls(**Conversation.model_validate(conversation).model_dump(), messages=said)


class Status(BaseModel):
    """How the service is."""

    environment: str
    service: Literal["imbi-assistant"] = "imbi-assistant"
    status: Literal["ok", "failing"]
    version: str
    started_at: datetime


class Problem(BaseModel):
    """Why a request failed: a sentence, or what is wrong with each part of the body."""

    detail: str | list[dict[str, JsonValue]]
