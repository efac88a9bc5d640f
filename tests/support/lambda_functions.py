"""The built Lambda package, run on this machine as the platform runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx2

from tests.support.runtime_api import SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

ROOT = Path(__file__).parent.parent.parent
SAM = ROOT / ".sam"
INVOCATIONS = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What `sam build` made."""

    directory: Path

    @property
    def layer(self) -> Path:
        return self.directory / "SharedLayer"

    def variables(self, function: str, handler: str) -> dict[str, str]:
        """Return the variables that the platform sets for a function."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "LAMBDA_TASK_ROOT": str(self.directory / function),
            "PYTHONPATH": f"{self.layer / 'python'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_REGION": "eu-west-1",
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "_HANDLER": handler,
        }


def build(directory: Path) -> Artifacts:
    """Build the package for this machine's Python, with the real build command."""
    subprocess.run(["make", ".sam/.installed"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607  # the make of this machine
    machine = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    run = subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, "-m", "layer.package", "--build-dir", directory],
        cwd=ROOT,
        env={**os.environ, "LAMBDA_PYTHON": version, "LAMBDA_ARCHITECTURE": machine},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return Artifacts(directory)


class Process:
    """A process of a function; what it writes is kept."""

    def __init__(self, command: Sequence[str | Path], variables: dict[str, str], cwd: Path) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self.popen = subprocess.Popen(  # noqa: S603  # our own command lines
            command, env=variables, cwd=cwd, stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True
        )

    @property
    def output(self) -> str:
        """All that it has written."""
        self._output.seek(0)
        return self._output.read().decode()

    def freeze(self) -> None:
        """Stop it as the platform freezes an environment."""
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.popen.send_signal(signal.SIGCONT)

    async def ended(self) -> int:
        """Wait for its end; returns the exit status."""
        async with asyncio.timeout(SECONDS):
            return await asyncio.to_thread(self.popen.wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        if value is not None:
            sys.stderr.write(self.output)
        self._output.close()


def streaming(artifacts: Artifacts, function: str, handler: str, address: str, variables: dict[str, str]) -> Process:
    """Run a function with the streaming wrapper, as AWS_LAMBDA_EXEC_WRAPPER does."""
    platform_variables = artifacts.variables(function, handler) | {"AWS_LAMBDA_RUNTIME_API": address}
    # The wrapper gets the command line of Lambda's own runtime, of which it takes the Python.
    command: list[str | Path] = [artifacts.layer / "stream", SAM / "bin" / "python", "/var/runtime/bootstrap.py"]
    return Process(command, platform_variables | variables, artifacts.directory / function)


class Emulated:
    """A function under the Runtime Interface Emulator with Lambda's own Python runtime client."""

    def __init__(self, artifacts: Artifacts, function: str, handler: str, variables: dict[str, str]) -> None:
        outside, inside = free_port(), free_port()
        emulator = "aws-lambda-rie-arm64" if platform.machine() in {"aarch64", "arm64"} else "aws-lambda-rie-x86_64"
        [rapid] = SAM.glob("lib/python*/site-packages/samcli/local/rapid")
        os.chmod(rapid / emulator, 0o755)  # noqa: PTH101, S103  # the wheel loses the bit
        platform_variables = artifacts.variables(function, handler)
        platform_variables["PYTHONPATH"] += f":{artifacts.directory / function}"
        command: list[str | Path] = [
            rapid / emulator,
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{outside}",
            "--runtime-api-address",
            f"127.0.0.1:{inside}",
            SAM / "bin" / "python",
            "-m",
            "awslambdaric",
            handler,
        ]
        self.url = f"http://127.0.0.1:{outside}{INVOCATIONS}"
        self.process = Process(command, platform_variables | variables, artifacts.directory / function)

    async def invoke(self, event: Any) -> Any:
        """Invoke the function; returns what it returned."""
        transport = httpx2.AsyncHTTPTransport(retries=8)
        async with httpx2.AsyncClient(transport=transport, timeout=SECONDS) as client:
            response = await client.post(self.url, json=event)
        assert response.status_code == 200, response.text
        return response.json()

    def __enter__(self) -> Self:
        self.process.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.__exit__(kind, value, trace)


def measured() -> dict[str, str]:
    """Return the variables that a process of the checkout needs for its coverage to be counted."""
    return {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")}


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
