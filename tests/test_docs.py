"""The documents name what exists: links, commands and files; and the page on the architecture names every module."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
MOST_WORDS = 900
QUESTIONS = 22

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)
FILE = re.compile(r"`((?:functions|shared|local|tests|bench|layer|locks|container|docs|events)/[\w./-]+)`")
INLINE = re.compile(r"`[^`\n]+`")
GOAL = re.compile(r"(?:^|[`\s])make ([a-z][a-z-]*)", re.MULTILINE)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
QUESTION = re.compile(r"^\| [^|]+\? \| `([\w/.]+)` \|$", re.MULTILINE)
ROW = re.compile(r"^\| `([\w/.]+)` \| (.+) \|$", re.MULTILINE)


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def section(title: str) -> str:
    return ARCHITECTURE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def modules() -> set[str]:
    """Return every module that is deployed, but for packages that only hold a docstring."""
    every = (path for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*.py"))
    return {name_of(path) for path in every if path.name != "__init__.py"}


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def first_sentence(module: str) -> str:
    """Return the first line of the docstring of a module or package."""
    path = ROOT / module
    text = (path / "__init__.py" if path.is_dir() else path).read_text(encoding="utf-8")
    return text.split("\n", 1)[0].strip('"')


def commands(document: Path) -> list[str]:
    """Return the code of a document: its blocks, fenced or indented, and its spans."""
    text = document.read_text(encoding="utf-8")
    indented = re.findall(r"^ {4}.+$", text, re.MULTILINE)
    return [*CODE.findall(text), *indented, *INLINE.findall(CODE.sub("", text))]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_WORDS


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_goals_of_a_document_exist(document: Path) -> None:
    goals = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {goal for code in commands(document) for goal in GOAL.findall(code)} <= goals


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_subcommands_of_a_document_exist(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = EntryPoint("imbi-assistant", PROJECT["scripts"]["imbi-assistant"], "console_scripts").load()
    for name in re.findall(r"(?:`|bin/)imbi-assistant ([a-z]+)", document.read_text(encoding="utf-8")):
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in LINK.findall(CODE.sub("", text)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = document.parent / path if path else document
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_pictures_of_a_document_exist(document: Path) -> None:
    for description, path in PICTURE.findall(document.read_text(encoding="utf-8")):
        assert description
        assert (document.parent / path).is_file(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_the_files_of_a_document_exist(document: Path) -> None:
    named = FILE.findall(document.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_tests_that_the_page_on_reliability_names_exist() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    folder = ROOT / "tests/reliability"
    tests = "\n".join(re.findall(r"def (test_\w+)", "".join(path.read_text("utf-8") for path in folder.glob("*.py"))))
    assert [name for name in re.findall(r"`(test_\w+)`", page) if not (folder / f"{name}.py").is_file()] == []
    parts = re.findall(r"`…(\w+)(?:…)?`", page)
    assert len(parts) > QUESTIONS
    assert [part for part in parts if part not in tests] == []


def test_the_page_on_the_architecture_names_every_module() -> None:
    named = [path for path, _ in ROW.findall(section("The modules")) if path.endswith(".py")]
    assert len(named) == len(set(named))
    lines = [f"| `{module}` | {first_sentence(module)} |" for module in sorted(modules() - set(named))]
    assert not lines, "docs/architecture.md needs these lines:\n" + "\n".join(lines)
    gone = [path for path in named if not (ROOT / path).is_file()]
    assert not gone, "docs/architecture.md names modules that do not exist:\n" + "\n".join(gone)


def test_the_page_on_the_architecture_names_every_local_package() -> None:
    named = {path for path, _ in ROW.findall(section("The modules")) if path.startswith("local")}
    packages = {f"{name_of(path.parent)}/" for path in (ROOT / "local").rglob("__init__.py")} - {"local/"}
    parts = packages | {name_of(path) for path in (ROOT / "local").glob("*.py") if path.name != "__init__.py"}
    lines = [f"| `{part}` | {first_sentence(part)} |" for part in sorted(parts - named)]
    assert not lines, "docs/architecture.md needs these lines:\n" + "\n".join(lines)
    gone = [path for path in named if not (ROOT / path).exists()]
    assert not gone, "docs/architecture.md names parts that do not exist:\n" + "\n".join(gone)


def test_every_question_of_a_stranger_is_answered_by_one_file() -> None:
    answers = re.findall(
        r"^\| ([^|]+\?) \| `([\w/.]+)` \|$", section("Where is the code that decides …?"), re.MULTILINE
    )
    assert len(answers) == QUESTIONS
    files = [file for _, file in answers]
    assert len(set(files)) == QUESTIONS
    assert [file for file in files if not (ROOT / file).is_file()] == []
