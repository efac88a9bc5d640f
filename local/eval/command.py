"""The `eval` command: it runs cases, or makes a case of a bad answer."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from local.chat.client import ChatError, ServiceClient
from local.eval import report
from local.eval.cases import read_cases
from local.eval.made_cases import with_case
from local.eval.runner import Runner, RunOptions
from local.eval.stored_answers import from_database, from_service
from shared.domain.errors import SettingsError, StartupError
from shared.settings import Settings

if TYPE_CHECKING:
    from local.chat.access import Access
    from local.eval.cases import CaseFile
    from local.eval.results import CaseResult
    from local.eval.stored_answers import StoredAnswer

DEMO: Final = Path(__file__).parent / "demo.toml"
"""The cases for the data of the demo API; `demo` names them on the command line."""
_EXIT_FAILED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """What is run, and how."""

    cases: str
    """The path of a file, or `demo`."""
    models: tuple[str | None, ...] = (None,)
    """The models to compare; None is the service's own."""
    only: str = "*"
    """A pattern for the names of the cases that are run."""
    run: RunOptions
    is_json: bool = False


def evaluate(access: Access, options: EvaluationOptions) -> int:
    """Run cases and print the results; return 0 if all have passed with every model, else 1.

    Raises:
        SettingsError: the file of cases is not valid.
        StartupError: the service cannot be reached, or cannot promise that nothing is changed.
    """
    file = _chosen(options)
    try:
        rows = asyncio.run(_results(access, file, options))
    except ChatError as error:
        raise SettingsError([str(error)]) from error
    sys.stdout.write(report.as_json(rows) if options.is_json else report.table(rows))
    return 0 if all(result.has_passed for row in rows for result in row) else _EXIT_FAILED


def add_case(source: Access | Settings, message: str, file: Path) -> int:
    """Append a case that is made of a stored answer to a file, which may be new.

    The answer is found in the database of the settings, or among the user's own conversations with a service.

    Raises:
        SettingsError: there is no such answer, or the file is not valid, or has the case already.
    """
    try:
        message_id = UUID(message)
    except ValueError as error:
        raise SettingsError([f"{message!r} is not the id of a message."]) from error
    try:
        stored = asyncio.run(_stored(source, message_id))
    except ChatError as error:
        raise SettingsError([str(error)]) from error
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        _replace(file, with_case(before, stored, message_id, str(file)))
    except (OSError, UnicodeError) as error:
        raise StartupError(f"{file} cannot be changed: {getattr(error, 'strerror', 'it is no UTF-8')}.") from error
    sys.stdout.write(f"Added a case to {file}. Say in it what the answer must have.\n")
    return 0


def _replace(file: Path, text: str) -> None:
    """Write a file so that it is never half written."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, "utf-8")
    new.replace(file)


async def _stored(source: Access | Settings, message_id: UUID) -> StoredAnswer:
    if isinstance(source, Settings):
        return await from_database(source, message_id)
    return await from_service(source, message_id)


def _chosen(options: EvaluationOptions) -> CaseFile:
    file = read_cases(DEMO if options.cases == "demo" else Path(options.cases))
    chosen = tuple(case for case in file.case if fnmatch(case.name, options.only))
    if not chosen:
        raise SettingsError([f"{options.cases}: no case has a name like {options.only!r}."])
    return file.model_copy(update={"case": chosen})


async def _results(access: Access, file: CaseFile, options: EvaluationOptions) -> list[list[CaseResult]]:
    client = ServiceClient(access)
    runner = Runner(client, file, options.run, lambda result: _note(report.line(result)))
    try:
        return await runner.results(options.models)
    finally:
        await client.aclose()
        for conversation_id in runner.undeleted:
            _note(f"The conversation {conversation_id} could not be deleted.")


def _note(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
