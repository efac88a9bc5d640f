"""Splits streamed Markdown into finished blocks and the last block, which later text may still change."""

from __future__ import annotations

from markdown_it import MarkdownIt

# The same rules as rich's Markdown, without the parsing inside blocks.
_PARSER = MarkdownIt().enable(["strikethrough", "table"]).disable("inline")


def split_finished(source: str) -> tuple[str, str]:
    """Split Markdown into its finished blocks and the rest, which may still grow.

    Only complete lines count: `#` alone ends a paragraph, but `#1 of the list` does not.
    """
    complete = source[: source.rfind("\n") + 1]
    starts = [token.map[0] for token in _PARSER.parse(complete) if token.level == 0 and token.map]
    if not starts:
        return "", source
    lines = complete.split("\n")
    cut = sum(len(line) + 1 for line in lines[: starts[-1]])
    return source[:cut], source[cut:]
