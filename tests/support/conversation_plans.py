"""Random conversations as data: what their questions, replies and surroundings do, for hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from hypothesis import strategies as st

TOOLS = 36
"""The tools there are in the beginning: so many that most are deferred."""
MODELS = (
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-2",
    "claude-sonnet-5",
    "claude-sonnet-4-6",
    "claude-opus-4-8",
    "somebody-elses-model",
)

ChangeKind: TypeAlias = Literal["lose", "regain", "add", "remove", "redefine", "pages"]
CallKind: TypeAlias = Literal["search", "tool", "deferred", "unknown", "long name"]
Fate: TypeAlias = Literal["complete", "stop silently", "stop", "stop in tools", "cut", "kill", "max_tokens"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the surroundings: of a right, of a tool, of the UI's pages."""

    kind: ChangeKind
    tool: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the model makes, and of which tool."""

    kind: CallKind
    tool: int


@dataclass(frozen=True, slots=True)
class Round:
    """A reply with calls, and the changes while they run; a round without calls is one that the API pauses."""

    thoughts: int
    text: str
    calls: tuple[Call, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question: the changes before it, its rounds, its last reply, and how its answer ends."""

    changes: tuple[Change, ...]
    is_upgraded: bool
    """The service was restarted with another system prompt before it."""
    rounds: tuple[Round, ...]
    thoughts: int
    fate: Fate


@dataclass(frozen=True, slots=True)
class Plan:
    """A conversation."""

    model: str
    search: Literal["references", "server", "off"]
    """The search that is set; models that are not known have their own in place of the first two."""
    questions: tuple[Question, ...]


_changes = st.lists(
    st.builds(Change, st.sampled_from(("lose", "regain", "add", "remove", "redefine", "pages")), st.integers(0, 5)),
    max_size=3,
).map(tuple)
_calls = st.lists(
    st.builds(
        Call,
        st.sampled_from(("search", "search", "tool", "deferred", "unknown", "long name")),
        st.integers(0, 5),
    ),
    max_size=3,
).map(tuple)
_rounds = st.builds(
    Round, st.integers(0, 2), st.sampled_from(("", " \n", "Let me look.", "Then this.")), _calls, _changes
)
_fates = st.sampled_from(
    ("complete", "complete", "complete", "stop silently", "stop", "stop in tools", "cut", "kill", "max_tokens")
)
_questions = st.builds(
    Question, _changes, st.booleans(), st.lists(_rounds, max_size=3).map(tuple), st.integers(0, 2), _fates
)

plans: st.SearchStrategy[Plan] = st.builds(
    Plan,
    st.sampled_from(MODELS),
    st.sampled_from(("references", "references", "server", "off")),
    st.lists(_questions, min_size=2, max_size=6).map(tuple),
)
