"""The bodies of requests and responses, as Pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from shared.domain.approvals import Verdict
from shared.http.call_details import details_body
from shared.util import clock
from shared.util.text import is_storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

    from shared.chat.shown_messages import ShownMessage
    from shared.domain import models
    from shared.domain.parked_rounds import ParkedRound


def _check_storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    if not is_storable(text):
        raise ValueError("must not contain lone surrogates")
    return text


class _WithoutNul:
    """Declares in the JSON schema what `_check_storable` checks. Lone surrogates cannot occur in JSON's UTF-8."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the pattern of texts without NUL."""
        declared = handler(schema)
        declared.setdefault("pattern", r"^[^\x00]*$")
        return declared


Text = Annotated[str, AfterValidator(_check_storable), _WithoutNul]


class NewConversation(BaseModel):
    """The body of a request that creates a conversation."""

    model: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    asks_before_changes: Annotated[bool, Field(strict=True)] = False


class ConversationChanges(BaseModel):
    """The changes of a conversation; a field that is absent or null stays unchanged."""

    title: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    is_archived: Annotated[bool, Field(strict=True)] | None = None


class NewMessage(BaseModel):
    """A user's message."""

    content: Annotated[Text, Field(min_length=1, max_length=32_768)]
    replaces: UUID | None = None


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
    is_answering: bool = False
    asks_before_changes: bool = False


class FoundConversation(Conversation):
    """A conversation that a search has found."""

    snippet: str
    """The part of a message, or the title, that shows why; the words that were found are between `**` and `**`."""

    @classmethod
    def of(cls, found: models.FoundConversation) -> FoundConversation:
        """Return the body for a found conversation."""
        return cls(**Conversation.model_validate(found.conversation).model_dump(), snippet=found.snippet)


class AnswerError(BaseModel):
    """The reason for the failure of an answer."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    message: str
    retryable: bool


def _check_number(value: object) -> object:
    # Python's True equals 1.
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004  # pydantic expects a ValueError
    return value


class NewFeedback(BaseModel):
    """A user's rating of an answer: 1 is good, -1 is bad. It replaces an earlier one with its comment."""

    rating: Annotated[Literal[1, -1], BeforeValidator(_check_number)]
    comment: Annotated[Text, Field(max_length=2_000)] | None = None


class Feedback(BaseModel):
    """The user's rating of an answer: 1 is good, -1 is bad."""

    model_config = ConfigDict(from_attributes=True)

    rating: Literal[1, -1]
    comment: str
    updated_at: datetime


class Approval(BaseModel):
    """Tool calls that wait for the user's decision, as in the event `approval_required`."""

    approval_id: UUID
    expires_at: str
    calls: list[dict[str, JsonValue]]

    @classmethod
    def of(cls, parked: ParkedRound) -> Approval:
        """Return the body for a parked round."""
        calls = [call.for_clients() for call in parked.review.asked]
        return cls(approval_id=parked.approval_id, expires_at=clock.to_text(parked.expires_at), calls=calls)


class MessageApproval(Approval):
    """The approval that the calls of a message needed, and how it ended."""

    decision: Verdict | None
    reason: str | None

    @classmethod
    def of_round(cls, parked: ParkedRound) -> MessageApproval:
        """Return the body for a parked round; one that nobody has decided in time has expired."""
        is_over = parked.verdict is None and not parked.is_open(clock.now())
        decision = "expired" if is_over else parked.verdict
        return cls(**Approval.of(parked).model_dump(), decision=decision, reason=parked.reason)


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
    is_partial: bool
    stop_reason: str | None
    error: AnswerError | None
    is_superseded: bool
    thinking: str | None
    tool_details: list[dict[str, JsonValue]] | None
    approval: MessageApproval | None
    feedback: Feedback | None

    @classmethod
    def of(cls, shown: ShownMessage) -> Message:
        """Return the body for a message."""
        message = shown.message
        stored = {name: getattr(message, name) for name in cls.model_fields if hasattr(message, name)}
        end = {"is_partial": shown.is_partial, "stop_reason": shown.stop_reason, "error": shown.error}
        activity = {
            "thinking": shown.thinking,
            "tool_details": [details_body(each) for each in message.call_details] or None,
            "approval": shown.parked and MessageApproval.of_round(shown.parked),
        }
        return cls.model_validate({**stored, **end, **activity, "feedback": shown.feedback})


class ConversationWithMessages(Conversation):
    """A conversation with its messages, oldest first, and the approval that it waits for."""

    messages: list[Message]
    approval: Approval | None

    @classmethod
    def of(
        cls, conversation: models.Conversation, messages: Iterable[ShownMessage], parked: Sequence[ParkedRound]
    ) -> ConversationWithMessages:
        """Return the body for a conversation, its messages and its parked rounds, the newest one last."""
        is_open = bool(parked) and parked[-1].is_open(clock.now())
        approval = Approval.of(parked[-1]) if is_open else None
        fields = Conversation.model_validate(conversation).model_dump()
        return cls(**fields, messages=[Message.of(each) for each in messages], approval=approval)


class ApprovalDecision(BaseModel):
    """The user's decision about an approval. The model gets the reason of a rejection."""

    decision: Literal["approve", "reject"]
    reason: Annotated[Text, Field(max_length=2_000)] | None = None


class Status(BaseModel):
    """The state of the service."""

    environment: str
    service: Literal["imbi-assistant"] = "imbi-assistant"
    status: Literal["ok", "failing"]
    version: str
    started_at: datetime


class ErrorDetail(BaseModel):
    """The reason for a failed request: a sentence, or a list of the errors in the body."""

    detail: str | list[dict[str, JsonValue]]
