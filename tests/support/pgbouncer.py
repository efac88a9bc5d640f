"""A real PgBouncer in transaction mode between the service and the tests' database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SERVER_CONNECTIONS = 20
_START_SECONDS = 20

_CONFIGURATION = """
[databases]
pooled = host={host} port={port} dbname={dbname} user={user} {password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {server_connections}
max_client_conn = 2000
max_prepared_statements = 0
logfile = {directory}/pgbouncer.log
pidfile = {directory}/pgbouncer.pid
{user_line}
"""


@contextmanager
def pgbouncer(dsn: str, directory: Path, server_connections: int = SERVER_CONNECTIONS) -> Iterator[str]:
    """Run PgBouncer in front of a database; yields the DSN that leads through it.

    It knows no prepared statements, as PgBouncer before version 1.21.
    """
    assert PROGRAM
    listen_port = _free_port()
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(_configuration(dsn, directory, listen_port, server_connections))
    directory.chmod(0o777)
    quiet = subprocess.DEVNULL
    with subprocess.Popen([PROGRAM, str(configuration)], stdout=quiet, stderr=quiet) as process:  # noqa: S603  # our own arguments
        try:
            _wait(listen_port, process)
            yield f"postgresql://pooled@127.0.0.1:{listen_port}/pooled?sslmode=disable"
        finally:
            process.kill()


def _configuration(dsn: str, directory: Path, listen_port: int, server_connections: int) -> str:
    database = {"host": "127.0.0.1", "port": "5432", "user": "postgres", **conninfo_to_dict(dsn)}
    text = _CONFIGURATION.format(
        host=database["host"],
        port=database["port"],
        dbname=database.get("dbname", database["user"]),
        user=database["user"],
        password=f"password={database['password']}" if "password" in database else "",
        listen_port=listen_port,
        server_connections=server_connections,
        directory=directory,
        user_line="user = nobody" if os.geteuid() == 0 else "",
    )
    if "options" in database:
        raise ValueError("PgBouncer accepts no options")
    # 1.18 and earlier do not know the setting, and have the same behaviour.
    return text if _knows_prepared_statements() else text.replace("max_prepared_statements = 0\n", "")


def _knows_prepared_statements() -> bool:
    assert PROGRAM
    shown = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own arguments
    _, _, version = shown.splitlines()[0].partition(" ")
    return tuple(map(int, version.split(".")[:2])) >= (1, 21)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "PgBouncer has ended"
            assert time.monotonic() < deadline, "PgBouncer does not listen"
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
