"""The files that the chat page consists of: its own, and those of its npm packages."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

_OWN: Final = Path(__file__).parent / "static"
_PACKAGES: Final = Path(__file__).parent / "node_modules"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
}
_LIBRARIES: Final = {
    "dompurify.mjs": "dompurify/dist/purify.es.mjs",
    "highlight.mjs": "@highlightjs/cdn-assets/es/highlight.min.js",
    "katex.mjs": "katex/dist/katex.mjs",
    "marked-footnote.mjs": "marked-footnote/dist/index.js",
    "marked.mjs": "marked/lib/marked.esm.js",
}
_IMPORT_MAP: Final = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)

PAGE: Final = _OWN / "index.html"


def own_file(name: str) -> Path | None:
    """Return a style sheet or a module of the page; they are listed each time, so that edits need no restart."""
    files = {file.name: file for file in _OWN.iterdir() if file.suffix in _MEDIA_TYPES and file != PAGE}
    return files.get(name)


def library(name: str) -> Path | None:
    """Return a library's module; no other file of the npm packages is ever served."""
    path = _LIBRARIES.get(name)
    file = None if path is None else _PACKAGES / path
    return file if file is not None and file.is_file() else None


def is_complete() -> bool:
    """Return whether the libraries are installed."""
    return all((_PACKAGES / path).is_file() for path in _LIBRARIES.values())


def media_type(name: str) -> str:
    """Return the media type of a served name, which also tells the type of a library's file."""
    return _MEDIA_TYPES[Path(name).suffix]


def security_policy() -> str:
    """Return the page's Content-Security-Policy (https://www.w3.org/TR/CSP3/).

    It allows one script in the page, by its hash: the import map, which browsers do not read from a file.
    """
    found = _IMPORT_MAP.search(PAGE.read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode() if found else ""
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
