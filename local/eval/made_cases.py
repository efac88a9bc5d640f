"""Cases that are made of stored answers, appended to the text of a file of cases."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

from local.eval.cases import parse_cases
from local.eval.redaction import redacted
from shared.agent.title import first_words
from shared.domain.errors import SettingsError

if TYPE_CHECKING:
    from uuid import UUID

    from local.eval.cases import CaseFile
    from local.eval.stored_answers import StoredAnswer

_OF_NO_TASK = frozenset({"search_tools", "call_tool", "read_result"})
"""Tools that say nothing about the task."""
_EXPECTATIONS = """\
# What must a good answer have, and what not? For example: facts = ["Checkout team"]
facts = []
not_facts = []
"""


def with_case(before: str, answer: StoredAnswer, message_id: UUID, file_name: str) -> str:
    """Return the text of a file with one more case at its end; all that is there stays as it is, with its comments.

    Raises:
        SettingsError: the file is not valid, or it has a case of this answer.
    """
    known = parse_cases(before, file_name).case if before.strip() else ()
    if any(case.message == message_id for case in known):
        raise SettingsError([f"{file_name}: has a case of the answer {message_id} already."])
    made = _case(answer, message_id, {case.name for case in known})
    text = f"{before.rstrip()}\n\n{made}" if before.strip() else made
    check_added(parse_cases(text, file_name), len(known), file_name)
    return text


def check_added(file: CaseFile, known: int, file_name: str) -> None:
    """Check that a file has exactly one case more than before.

    Raises:
        SettingsError: it has not, because its last lines give `[[case]]` another meaning.
    """
    if len(file.case) != known + 1:
        raise SettingsError([f"{file_name}: no case can be appended to it."])


def _case(answer: StoredAnswer, message_id: UUID, names: set[str]) -> str:
    questions = [redacted(question) for question in answer.questions]
    tools = [_text(name) for name in answer.tools if name not in _OF_NO_TASK]
    lines = ["[[case]]", f"name = {_text(_name(questions, names))}", f"message = {_text(str(message_id))}"]
    for number, question in enumerate(questions, start=1):
        if len(questions) > 1:
            lines += ["", "[[case.turn]]"]
        lines.append(f"question = {_text(question)}")
        if number == len(questions):
            lines += ["# The tools that the answer called. Keep those that a good answer needs."]
            lines += [f"tools = [{', '.join(tools)}]", _EXPECTATIONS]
    return "\n".join(lines)


def _name(questions: list[str], names: set[str]) -> str:
    name = first_words(questions[-1]) if questions else "An answer"
    numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
    return next(each for each in numbered if each not in names)


def _text(text: str) -> str:
    """Return a text as a basic string of TOML, whose escapes are those of JSON; DEL has to be escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
