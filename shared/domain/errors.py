"""Everything that this service raises on purpose.

AssistantError
├── SettingsError                 the environment is wrong; one line a variable
├── StartupError                  something that the service needs on this machine cannot be used
├── Unauthenticated               401
├── Forbidden                     403
├── ConversationNotFound          404
├── ConversationFull              400
├── AssistantUnavailable          503, the assistant is switched off or has no model
├── GraphError                    the database
│   ├── GraphUnavailable          503
│   ├── GraphConflict             another writer was quicker
│   └── ConversationLost          another answer is the conversation's writer now
├── ConversationBusy              409, another answer did not yield
├── AnswerRunning                 409, the answer to the same question is still streaming
├── KeyReused                     422, an idempotency key came again with other content
├── TooManyStreams                503, this process answers as many as it may
├── ModelError                    the model's API; has a code and says whether trying again can help
└── ToolError                     a tool call that failed, told to the model
"""

from __future__ import annotations

from typing import Literal, TypeAlias

SOMETHING_WENT_WRONG = "Something went wrong while answering. Please try again."
"""The sentence for a failure that the user can do nothing about but try again."""
CONTEXT_OVERFLOW = "context_overflow"
"""The code of a ModelError whose request was longer than the model's context window."""


RefusedPart: TypeAlias = Literal["thinking", "image", "block"]
"""A part of a history: a thinking block or its signature, an image, or any other content block."""


class AssistantError(Exception):
    """Base of everything that this service raises on purpose."""


class SettingsError(AssistantError):
    """The settings are wrong; `problems` has one line for each variable."""

    def __init__(self, problems: list[str]) -> None:
        """Keep one line for each variable."""
        super().__init__("\n".join(problems))
        self.problems = problems


class StartupError(AssistantError):
    """The service cannot start; the message is a line for the terminal."""


class Unauthenticated(AssistantError):
    """Not authenticated."""


class Forbidden(AssistantError):
    """Only users have conversations."""


class ConversationNotFound(AssistantError):
    """Conversation not found."""


class ConversationFull(AssistantError):
    """The conversation has reached its maximum number of turns."""


class AssistantUnavailable(AssistantError):
    """AI assistant is not available."""


class GraphError(AssistantError):
    """The database did not do what was asked."""


class GraphUnavailable(GraphError):
    """The database cannot be reached."""


class GraphConflict(GraphError):
    """Another writer changed the same thing at the same time."""


class ConversationLost(GraphError):
    """Another answer is the conversation's writer now."""


class ConversationBusy(AssistantError):
    """Another reply to this conversation is streaming."""


class AnswerRunning(AssistantError):
    """The answer to the same question is still streaming."""


class KeyReused(AssistantError):
    """The Idempotency-Key has been used with other content."""


class TooManyStreams(AssistantError):
    """Too many answers are being streamed."""


class ModelError(AssistantError):
    """The model's API failed; the message is a plain sentence for the user."""

    def __init__(self, message: str, *, code: str, retryable: bool, refused: RefusedPart | None = None) -> None:
        """Keep what the client is told: a sentence, a code, and whether trying again can help.

        `refused` is the part of the history that the API does not accept, where it named one.
        """
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.refused = refused


class ToolError(AssistantError):
    """A tool call failed; the message is for the model."""
