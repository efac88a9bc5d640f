"""The terminal chat as a program. Its arguments: the URL, the token, the conversation and the file of the history."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from local.chat import chat, given


def main() -> int:
    """Chat until the input ends."""
    if os.isatty(0):
        # A terminal's program reads Ctrl-C as a signal only where the terminal is its session's own.
        os.close(os.open(os.ttyname(0), os.O_RDWR))
    url, token, conversation, history = sys.argv[1:]
    return chat(given(url, token), conversation_id=conversation or None, history_file=Path(history))


if __name__ == "__main__":
    sys.exit(main())
