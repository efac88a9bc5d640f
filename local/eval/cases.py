"""The cases of an evaluation: a TOML file with questions and what their answers must and must not have."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from shared.domain.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

PATTERN = "re:"
"""The beginning of an expectation that is a regular expression."""
_MAX_QUESTION = 32_768


def _checked_pattern(text: str) -> str:
    if text.startswith(PATTERN):
        try:
            re.compile(text.removeprefix(PATTERN))
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
    return text


_Expected: TypeAlias = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_checked_pattern)]
Alternatives: TypeAlias = _Expected | Annotated[tuple[_Expected, ...], Field(min_length=1)]
"""One expected text, or a list of which one is enough."""
_Positive: TypeAlias = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(_Table):
    """A question, and what its answer must (`tools`, `facts`, …) and must not have (`not_tools`, …)."""

    question: Annotated[str, Field(min_length=1, max_length=_MAX_QUESTION)]
    tools: tuple[Alternatives, ...] = ()
    not_tools: tuple[_Expected, ...] = ()
    facts: tuple[Alternatives, ...] = ()
    not_facts: tuple[_Expected, ...] = ()
    links: tuple[Alternatives, ...] = ()
    asks: tuple[Alternatives, ...] = ()
    """The tools whose calls must wait for the user's approval. Without them, no call may change anything."""

    @property
    def expects_anything(self) -> bool:
        """Whether any answer could fail for another reason than its end or a limit."""
        expected = (self.tools, self.not_tools, self.facts, self.not_facts, self.links, self.asks)
        return any(expected)


class Limits(_Table):
    """The limits of a case; None is no limit."""

    max_seconds: _Positive | None = None
    """The time that all answers of the case take together."""
    max_cost: _Positive | None = None
    """US dollars for all answers of the case."""


class Case(Turn, Limits):
    """A conversation: one question, or several turns."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    message: UUID | None = None
    """The id of the answer that the case was made of."""
    question: str = ""
    turn: tuple[Turn, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The questions in their order."""
        return self.turn or (self,)


class Price(_Table):
    """The price of a model in US dollars for a million tokens."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cache_read: Annotated[float, Field(ge=0)] | None = None
    """A tenth of the input's price by default."""
    cache_write: Annotated[float, Field(ge=0)] | None = None
    """Five quarters of the input's price by default."""


class CaseFile(_Table):
    """A file of cases."""

    defaults: Limits = Limits()
    prices: dict[str, Price] = Field(default_factory=dict)
    case: tuple[Case, ...] = ()

    def limits_of(self, case: Case) -> Limits:
        """Return the limits of a case: its own, or those of the file."""
        own = {name: getattr(case, name) for name in Limits.model_fields}
        return self.defaults.model_copy(update={name: value for name, value in own.items() if value is not None})


def read_cases(file: Path) -> CaseFile:
    """Read a file of cases.

    Raises:
        SettingsError: the file cannot be read, or is not valid; each problem is one line with the file's name.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            [f"{file}: cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8'}."]
        ) from error
    return parse_cases(text, str(file))


def parse_cases(text: str, name: str) -> CaseFile:
    """Parse the text of a file of cases.

    Raises:
        SettingsError: as read_cases.
    """
    try:
        parsed = CaseFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{name}: is no TOML: {error}."]) from error
    except ValidationError as error:
        problems = [f"{name}: {_place(each['loc'])}: {each['msg']}." for each in error.errors(include_url=False)]
        raise SettingsError(list(dict.fromkeys(problems))) from error
    problems = [f"{name}: {problem}" for problem in _problems(parsed)]
    if problems:
        raise SettingsError(problems)
    return parsed


def _problems(file: CaseFile) -> list[str]:
    problems = [] if file.case else ["there is no [[case]]."]
    names = [case.name for case in file.case]
    problems += [f"there are several cases named {name!r}." for name in dict.fromkeys(names) if names.count(name) > 1]
    for case in file.case:
        if bool(case.question.strip()) == bool(case.turn):
            problems.append(f"case {case.name!r}: needs either a question or [[case.turn]].")
        if case.turn and case.expects_anything:
            problems.append(f"case {case.name!r}: its expectations belong to its turns.")
    return problems


def _place(location: tuple[int | str, ...]) -> str:
    """Return where a problem is, such as `case 3, facts 1`; cases count from 1."""
    parts: list[str] = []
    for each in location:
        if isinstance(each, int):
            parts[-1:] = [f"{parts[-1]} {each + 1}"] if parts else [str(each + 1)]
        elif re.fullmatch(r"[a-z_]+", each):
            parts.append(each)
    return ", ".join(parts)
