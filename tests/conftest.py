"""The fixtures that all tests share: a database, a scripted model, an Imbi API, and the service in front of them."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from local.demo_api import create_demo_api
from tests.support.background import served
from tests.support.database import prepared_database
from tests.support.model_server import ModelServer
from tests.support.observed_api import ObservedApi
from tests.support.processes import Processes
from tests.support.service import DEVELOPER, JWT_SECRET, Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from tests.support.client import Client
    from tests.support.database import Database

pytest_plugins = ["tests.support.behaviours"]


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker of pytest-xdist whole files, and let Ctrl-C reach the programs that tests start.

    A file's fixtures then start their services once. The files go out in their order, which ends with short ones:
    pytest-xdist would keep those with the fewest tests for the end, and some of these take longest. A shell that runs
    the tests in the background makes them ignore SIGINT, and a signal that is ignored stays ignored in every program
    that they start.
    """
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected, because all that is made stays, and never look through it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run the fast tests in one process more than there are cores, because they wait for half of their time."""
    return (os.cpu_count() or 1) + 1 if config.option.markexpr == "not slow" else None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return the run's graph: in POSTGRES_URL where that is set, else embedded."""
    with prepared_database(tmp_path_factory.mktemp("database")) as prepared:
        yield prepared


@pytest.fixture(scope="session")
def _model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def model_server(_model_server: ModelServer) -> Iterator[ModelServer]:
    """Return the model server with an empty script; the test fails if a request found no script or was refused."""
    _model_server.clear()
    yield _model_server
    _model_server.verify()


@pytest.fixture(scope="session")
def imbi_api() -> Iterator[str]:
    """Serve the demo Imbi API; returns its URL."""
    with served(create_demo_api(JWT_SECRET)) as url:
        yield url


@pytest.fixture(scope="session")
def variables(database: Database, _model_server: ModelServer, imbi_api: str) -> dict[str, str]:
    """Return the service's variables as the tests have them."""
    return {
        "POSTGRES_URL": database.dsn,
        "POSTGRES_GRAPH_NAME": database.graph_name,
        "IMBI_AUTH_JWT_SECRET": JWT_SECRET,
        "ANTHROPIC_API_KEY": "a key",
        "ANTHROPIC_BASE_URL": _model_server.url,
        "IMBI_INTERNAL_API_URL": imbi_api,
    }


class StartService(Protocol):
    """Starts a service of the test's own; a variable that is None is left out."""

    def __call__(self, **variables: str | None) -> Service:
        """Start the service; it is stopped at the test's end."""
        ...


@pytest.fixture
def start_service(variables: dict[str, str], model_server: ModelServer) -> Iterator[StartService]:  # noqa: ARG001  # its script is the test's
    """Start services with other variables than the shared one."""
    with ExitStack() as stack:

        def start(**changes: str | None) -> Service:
            changed = {name: value for name, value in (variables | changes).items() if value is not None}
            return stack.enter_context(Service(changed))

        yield start


@pytest.fixture(scope="session")
def _service(variables: dict[str, str]) -> Iterator[Service]:
    with Service(variables) as running:
        yield running


@pytest.fixture(scope="session")
def processes(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Start services in processes of their own, all on the tests' database."""
    with Processes(variables, tmp_path_factory.mktemp("services")) as started:
        yield started


@pytest.fixture
def service(_service: Service, model_server: ModelServer) -> Service:  # noqa: ARG001  # its script is the test's
    """Return the service that most tests share."""
    return _service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    """Return a client of the developer, whose conversations other tests add to."""
    async with service.client(DEVELOPER) as developer:
        yield developer


class NewClient(Protocol):
    """Makes clients of new users."""

    async def __call__(self, email: str | None = None, **properties: Any) -> Client:
        """Make a user, who has no conversations yet; takes what `Database.add_user` takes."""
        ...


@pytest.fixture
async def new_client(service: Service, database: Database) -> AsyncIterator[NewClient]:
    """Make clients of new users of the shared service."""
    clients: list[Client] = []

    async def make(email: str | None = None, **properties: Any) -> Client:
        clients.append(service.client(await database.add_user(email, **properties)))
        return clients[-1]

    yield make
    for each in clients:
        await each.http.aclose()


@pytest.fixture
def api() -> ObservedApi:
    """Return an Imbi API of the test's own."""
    return ObservedApi()


@pytest.fixture
def api_service(api: ObservedApi, start_service: StartService) -> Iterator[Service]:
    """Return a service in front of the test's own Imbi API."""
    with served(api.app) as url:
        yield start_service(IMBI_INTERNAL_API_URL=url)


@pytest.fixture
async def api_client(api_service: Service) -> AsyncIterator[Client]:
    """Return the developer's client of that service."""
    async with api_service.client(DEVELOPER) as developer:
        yield developer
