"""The rules of the house that no linter knows: which module may import which, how long things are, what is banned.

    cli → local_server, local → functions → shared.aws → shared.http → shared.checks → shared.composition →
    shared.chat → shared.agent, shared.claude, shared.tools, shared.graph, shared.auth → shared.observability,
    shared.settings → shared.domain → shared.util

Every import counts, also one inside a function or under TYPE_CHECKING: a module depends on the types that it names.
"""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

ROOT = Path(__file__).parent.parent
DEPLOYED = ("functions", "shared")
OURS = (*DEPLOYED, "local", "local_server", "cli", "layer", "locks", "tests", "bench")

LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("local", "local_server"),
    ("functions",),
    ("shared.aws",),
    ("shared.http",),
    ("shared.checks",),
    ("shared.composition",),
    ("shared.chat",),
    ("shared.agent", "shared.claude", "shared.tools", "shared.graph", "shared.auth"),
    ("shared.observability", "shared.settings"),
    ("shared.domain",),
    ("shared",),
)
"""From the top. A module belongs to the longest name that it begins with; every layer may import plain `shared`."""

NEIGHBOURS = frozenset({"shared.agent", "shared.claude", "shared.tools", "shared.graph", "shared.auth"})
"""Packages of one layer that never import one another: `shared.chat` joins them."""

KNOW_THE_DRIVER = frozenset(
    f"shared.graph.{name}"
    for name in ("connector", "pipeline", "prepared_statements", "schema", "setup_lock", "indexes")
)
"""The connector, and the set-up, which runs statements of its own."""

MAX_FUNCTION_LINES = 40
MAX_MODULE_LINES = 300
IN_ONE_PIECE = frozenset({"shared.aws.runtime_loop"})
"""Longer than a module should be, so that it can be lifted out of the project as one file."""


class Module(NamedTuple):
    """A source file by its dotted name."""

    name: str
    source: str

    @property
    def tree(self) -> ast.Module:
        return parsed(self.source, self.name)


@cache
def parsed(source: str, name: str) -> ast.Module:
    """Parse a module once for all rules."""
    return ast.parse(source, filename=name)


def modules(*tops: str) -> Iterator[Module]:
    for top in tops:
        files = [ROOT / f"{top}.py"] if (ROOT / f"{top}.py").exists() else sorted((ROOT / top).rglob("*.py"))
        for file in files:
            parts = file.relative_to(ROOT).with_suffix("").parts
            if "node_modules" in parts:
                continue
            yield Module(".".join(part for part in parts if part != "__init__"), file.read_text())


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@cache
def imports(module: Module) -> tuple[str, ...]:
    """Return every name that a module imports; `from a import b` counts as a.b, which may be a module or not."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.name.split(".")[: -node.level] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


@cache
def layer(name: str) -> tuple[int, str] | None:
    """Find a name's depth (0 is the top) and the package of the layer that it belongs to; None is not of the house."""
    found = [(len(package), depth, package) for depth, row in enumerate(LAYERS) for package in row]
    matches = [(depth, package) for _, depth, package in sorted(found) if is_within(name, package)]
    return matches[-1] if matches else None


def imports_upward(module: Module) -> Iterator[str]:
    here = layer(module.name)
    for name in imports(module):
        there = layer(name)
        if here is None or there is None or here[1] == there[1]:
            continue
        if there[0] < here[0]:
            yield f"{module.name} imports {name} from a layer above it"
        elif {here[1], there[1]} <= NEIGHBOURS:
            yield f"{module.name} imports {name}, its neighbour"


def imports_forbidden(module: Module) -> Iterator[str]:
    """Each package imports only what its layer may know."""
    bans = {
        "shared": ("local", "local_server", "cli", "functions", "tests", "bench"),
        "functions": ("local", "local_server", "cli", "tests", "bench"),
        "local": ("local_server", "cli", "tests", "bench"),
        "shared.agent": ("fastapi", "starlette", "psycopg", "psycopg_pool", "fastmcp", "mcp", "shared.settings"),
        "": ("unittest.mock", "mock", "pytest_mock"),
    }
    for package, banned in bans.items():
        if not package or is_within(module.name, package):
            names = [name for name in imports(module) if any(is_within(name, ban) for ban in banned)]
            yield from (f"{module.name} imports {name}" for name in names)


def imports_psycopg(module: Module) -> Iterator[str]:
    """Only the connector and the set-up know the driver."""
    if module.name.startswith(DEPLOYED) and module.name not in KNOW_THE_DRIVER:
        names = [name for name in imports(module) if name.split(".")[0] in {"psycopg", "psycopg_pool"}]
        yield from (f"{module.name} imports {name}" for name in names)


def reads_the_environment(module: Module) -> Iterator[str]:
    """Only the settings read the environment."""
    if not module.name.startswith(DEPLOYED) or module.name == "shared.settings":
        return
    readers = {"environ", "environb", "getenv"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in readers:
            yield f"{module.name}:{node.lineno} reads the environment"
    yield from (f"{module.name} imports {name}" for name in imports(module) if name in {f"os.{r}" for r in readers})


def has_global(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield f"{module.name}:{node.lineno} has a global statement"


def takes_monkeypatch(module: Module) -> Iterator[str]:
    """Nothing is patched: what a test changes is handed in."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.arg) and node.arg == "monkeypatch":
            yield f"{module.name}:{node.lineno} patches"


def is_long(module: Module) -> Iterator[str]:
    if (lines := len(module.source.splitlines())) > MAX_MODULE_LINES and module.name not in IN_ONE_PIECE:
        yield f"{module.name} has {lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{module.name}.{node.name} has {lines} lines"


def circle(every: Sequence[Module]) -> list[str]:
    """Return the modules of a circle of imports, the first one again at the end; an empty list where there is none."""
    names = {module.name for module in every}
    graph = {module.name: set(imported_modules(module, names)) for module in every}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def imported_modules(module: Module, names: Container[str]) -> Iterator[str]:
    """Yield the modules of ours that a module imports: `from a import b` is a.b if that is a module, else a."""
    for name in imports(module):
        found = next((each for each in (name, name.rpartition(".")[0]) if each in names), None)
        if found is not None and not is_within(module.name, found):
            yield found


RULES = (
    imports_upward,
    imports_forbidden,
    imports_psycopg,
    reads_the_environment,
    has_global,
    takes_monkeypatch,
    is_long,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_a_rule(rule: Callable[[Module], Iterator[str]]) -> None:
    broken = [problem for module in modules(*OURS) for problem in rule(module)]
    assert not broken, "\n".join(broken)


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert not (found := circle(list(modules(*OURS)))), " → ".join(found)


def test_a_circle_is_found() -> None:
    ring = [
        Module("shared.a", "from shared.b import x"),
        Module("shared.b", "def f():\n    from shared import c"),
        Module("shared.c", "if TYPE_CHECKING:\n    import shared.a"),
        Module("shared.d", "from shared.a import y"),
    ]
    assert set(circle(ring)) == {"shared.a", "shared.b", "shared.c"}
    assert not circle(ring[1:])


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (imports_upward, "shared.domain.models", "from shared.settings import Settings"),
        (imports_upward, "shared.util.clock", "from shared.domain import models"),
        (imports_upward, "shared.domain.models", "if TYPE_CHECKING:\n    import shared.graph.connector"),
        (imports_upward, "shared.graph.connector", "from shared import composition"),
        (imports_upward, "shared.graph.connector", "def f():\n    from shared.auth import tokens"),
        (imports_upward, "shared.tools.refresh", "from ..agent import loop"),
        (imports_upward, "shared.composition", "import shared.http.app"),
        (imports_forbidden, "shared.agent.loop", "import fastapi"),
        (imports_forbidden, "shared.agent.loop", "from shared.settings import Settings"),
        (imports_forbidden, "shared.http.app", "from functions import status"),
        (imports_forbidden, "functions.status", "import local.demo"),
        (imports_forbidden, "local.demo", "from tests.support.model_server import ModelServer"),
        (imports_forbidden, "tests.test_x", "from unittest import mock"),
        (imports_psycopg, "shared.graph.conversations", "from psycopg.rows import tuple_row"),
        (reads_the_environment, "shared.composition", "import os\nos.environ['A']"),
        (reads_the_environment, "shared.composition", "from os import getenv"),
        (has_global, "bench.x", "def f():\n    global a\n    a = 1"),
        (takes_monkeypatch, "tests.test_x", "def test_a(monkeypatch): ..."),
        (is_long, "shared.x", "\n" * (MAX_MODULE_LINES + 1)),
        (is_long, "shared.x", "def f():\n" + "    a = 1\n" * MAX_FUNCTION_LINES),
        *[(is_long, f"{top}.x", "\n" * (MAX_MODULE_LINES + 1)) for top in OURS],
    ],
)
def test_a_broken_rule_is_found(rule: Callable[[Module], Iterator[str]], name: str, source: str) -> None:
    assert list(rule(Module(name, source)))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("local_server", "import os\nfrom functions import status\nos.environ['A']"),
        ("functions.status", "from shared.http import app\nfrom shared.domain.models import Message"),
        ("shared.aws.lambda_handler", "from shared.http.app import create_app"),
        ("shared.composition", "from shared.graph import age\nfrom shared.agent.loop import run_turn"),
        ("shared.graph.connector", "import psycopg\nfrom shared.domain.ports import Model\nfrom . import agtype"),
        ("shared.agent.loop", "from shared.agent import prompt, ports\nfrom shared.domain.errors import ModelError"),
    ],
)
def test_a_rule_that_is_kept_is_silent(name: str, source: str) -> None:
    assert [problem for rule in RULES for problem in rule(Module(name, source))] == []
