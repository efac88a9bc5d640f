"""The text of an answer that a user sees, and the words that end an answer early.

Imbi's UI hides the text before each tool call, and it shows an error only if no text came after the last tool call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.domain.events import AnswerFailed, TextAdded, ToolCallBegun, ToolStarted
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from shared.agent.outcome import Outcome
    from shared.domain.events import AnswerEvent, ToolEvent, TurnEvent

STOPPED_WITHOUT_WORDS: Final = "The answer was stopped."
_LONGEST_LINE = 200
_FENCE = bounded(r"\s{0,3}(`{3,}|~{3,})", _LONGEST_LINE)


class VisibleText:
    """Follows the events of an answer."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._answers: list[str] = []

    def follow(self, event: TurnEvent | ToolEvent | AnswerEvent) -> None:
        """Take the next event."""
        match event:
            case TextAdded(text):
                self._words.append(text)
            case ToolCallBegun():
                if words := self.words:
                    self._answers.append(words)
                self._words.clear()
            case ToolStarted():
                # A tool on the server: the text before it cannot be the answer.
                self._answers.clear()
            case _:
                pass

    @property
    def words(self) -> str:
        """The text since the last tool call; it is empty if it is blank."""
        text = "".join(self._words)
        return text if text.strip() else ""

    @property
    def hidden_answer(self) -> str:
        """The text before calls that only the browser ran, which the UI hides although it may be the answer."""
        return "\n\n".join(text.strip() for text in self._answers)

    def last_words(self, outcome: Outcome) -> str:
        """Return the text to send before the end of an answer that ended early; it is empty if none is needed."""
        words = self.words or self.hidden_answer
        if isinstance(outcome, AnswerFailed):
            sentence = f"{_fence_end(words)}\n\n*Interrupted: {outcome.message}*" if words else ""
        else:
            sentence = "" if words else STOPPED_WITHOUT_WORDS
        return sentence if self.words else f"{words}{sentence}"


def _fence_end(text: str) -> str:
    """Return the line that closes a code block at the end of a Markdown text; it is empty if none is open."""
    fence = ""
    for line in text.splitlines():
        match = _FENCE.match(line[:_LONGEST_LINE])
        if match is None:
            continue
        if not fence:
            fence = match[1]
        elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
    return f"\n{fence}" if fence else ""
