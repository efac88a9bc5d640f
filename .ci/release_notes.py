#!/usr/bin/env python3
"""Print the changelog's section for a release, after a check that the tag is the project's version.

Usage: python .ci/release_notes.py v0.2.0
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK_DEFINITION = re.compile(r"^\[[^\]]+\]: .*\n?", re.MULTILINE)


def main() -> int:
    """Print the notes of the tag's version, or say what is wrong with the tag."""
    if len(sys.argv) != 2:  # noqa: PLR2004  # the program and its one argument
        sys.stderr.write(f"usage: {sys.argv[0]} TAG\n")
        return 2
    tag = sys.argv[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    if tag != f"v{version}":
        sys.stderr.write(f"The tag {tag} is not v{version}, which pyproject.toml asks for.\n")
        return 1
    notes = notes_of(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if not notes:
        sys.stderr.write(f"CHANGELOG.md says nothing about {version}.\n")
        return 1
    sys.stdout.write(notes + "\n")
    return 0


def notes_of(version: str, changelog: str) -> str:
    """Give the text below a version's heading, up to the next version, without link definitions."""
    for section in changelog.split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        if heading.startswith(f"[{version}]"):
            return LINK_DEFINITION.sub("", text).strip()
    return ""


if __name__ == "__main__":
    sys.exit(main())
