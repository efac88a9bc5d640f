"""An embedded PostgreSQL with Apache AGE for development: PGlite in a Node.js process.

All connections share one session. Therefore settings and session-level advisory locks apply to all connections, a
transaction on one connection makes the others wait, and an idle transaction is rolled back. `COPY … FROM STDIN` and
cancelling a statement are not supported. Committed data survive a killed process, but not a power failure.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from local.data_lock import DataDirectoryError, locked
from local.node import DATABASE, Node, NodeSetupError, set_up_node
from shared.domain.errors import StartupError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable

IDLE_TRANSACTION_SECONDS = 30.0
"""The time after which an idle transaction, for which all others wait, is rolled back."""

_CREATE_SECONDS = 300.0
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
# Half of the usual stack size, 8 MB; the database's max_stack_depth fits it.
_STACK_KILOBYTES = 4000
# npm deletes this directory when it installs other packages, so a template always fits the installed version.
_TEMPLATE = DATABASE / "node_modules" / ".cache" / "template"

log = logging.getLogger(__name__)


class EmbeddedDatabaseError(StartupError):
    """The embedded database cannot be used; the message is for the terminal."""


class _Event(BaseModel):
    """A line that the database process prints."""

    event: str
    port: int | None = None


@asynccontextmanager
async def embedded_database(
    data_dir: Path,
    *,
    report: Callable[[str], None],
    idle_transaction_seconds: float = IDLE_TRANSACTION_SECONDS,
) -> AsyncIterator[str]:
    """Run the database in the data directory, which is created if it does not exist, and yield its DSN.

    `report` receives lines for the terminal.

    Raises:
        EmbeddedDatabaseError: another server uses the directory, or the database could not be installed or started.
    """
    try:
        async with locked(data_dir) as lock:
            node = await asyncio.to_thread(set_up_node, report)
            await _ensure_created(node, data_dir, report)
            async with _running(node, data_dir, lock, idle_transaction_seconds) as process:
                port = await _port_of(process, data_dir)
                async with _watched(process, data_dir):
                    yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    except (NodeSetupError, DataDirectoryError) as error:
        raise EmbeddedDatabaseError(str(error)) from error


async def _ensure_created(node: Node, data_dir: Path, report: Callable[[str], None]) -> None:
    if _database_in(data_dir).exists():
        return
    report(f"Creating the embedded database in {data_dir}; this takes some seconds, once.")
    if not _TEMPLATE.exists():
        await _create_template(node)
    await asyncio.to_thread(_copy_template, data_dir)


def _copy_template(data_dir: Path) -> None:
    # The rename comes last, so that an incomplete copy is never used as a database.
    unfinished = data_dir / "database.new"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(_TEMPLATE, unfinished)
        unfinished.rename(_database_in(data_dir))
    except OSError as error:
        raise EmbeddedDatabaseError(f"The embedded database could not be created in {data_dir}: {error}") from error


async def _create_template(node: Node) -> None:
    """Create an empty database as a template: copying it takes milliseconds, creating one takes seconds."""
    _TEMPLATE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_TEMPLATE.parent) as scratch:
        made, log_file = Path(scratch) / "template", Path(scratch) / "log"
        await _run_to_end(node, made, log_file)
        with suppress(OSError):  # another process was faster, and its template is the same
            made.rename(_TEMPLATE)


async def _run_to_end(node: Node, directory: Path, log_file: Path) -> None:
    with log_file.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *_command(node, "create.mjs"), str(directory), stderr=stderr, start_new_session=True
        )
    try:
        async with asyncio.timeout(_CREATE_SECONDS):
            status = await process.wait()
    except TimeoutError as error:
        raise EmbeddedDatabaseError(
            f"Creating the embedded database took more than {_CREATE_SECONDS:.0f} s."
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
    if status != 0:
        raise EmbeddedDatabaseError(f"Creating the embedded database failed: {_error_line(log_file)}")


def _command(node: Node, script: str) -> tuple[str, ...]:
    return node.executable, f"--stack-size={_STACK_KILOBYTES}", str(DATABASE / script)


@asynccontextmanager
async def _running(node: Node, data_dir: Path, lock: int, idle_seconds: float) -> AsyncIterator[Process]:
    """Run the database process; it ends when its standard input closes, even if this process is killed."""
    with _log_of(data_dir).open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *_command(node, "server.mjs"),
            str(_database_in(data_dir).absolute()),
            str(round(idle_seconds * 1000)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # Ctrl-C must not stop the database before the server has stopped
            pass_fds=(lock,),
        )
    try:
        yield process
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        log.warning("the embedded database did not stop within %.0f s; killing it", _STOP_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()


@asynccontextmanager
async def _watched(process: Process, data_dir: Path) -> AsyncIterator[None]:
    watch = asyncio.create_task(_report_end(process, data_dir))
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _report_end(process: Process, data_dir: Path) -> None:
    status = await process.wait()
    log.error("the embedded database has stopped (status %d): %s", status, _error_line(_log_of(data_dir)))


async def _port_of(process: Process, data_dir: Path) -> int:
    try:
        async with asyncio.timeout(_START_SECONDS):
            async for event in _events(process):
                if event.port is not None:
                    return event.port
    except TimeoutError as error:
        raise EmbeddedDatabaseError(f"The embedded database did not start within {_START_SECONDS:.0f} s.") from error
    raise EmbeddedDatabaseError(f"The embedded database did not start: {_error_line(_log_of(data_dir))}")


async def _events(process: Process) -> AsyncIterator[_Event]:
    if process.stdout is None:
        return
    async for line in process.stdout:
        with suppress(ValidationError):
            yield _Event.model_validate_json(line)


def _database_in(data_dir: Path) -> Path:
    return data_dir / "database"


def _log_of(data_dir: Path) -> Path:
    return data_dir / "database.log"


def _error_line(log_file: Path) -> str:
    """Return the line of a log that explains the failure: the last error, else the last line."""
    lines = [line.strip() for line in log_file.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return (errors or lines or ["no output"])[-1]
