"""The commands of the chat, which are lines that begin with a slash."""

from __future__ import annotations

from dataclasses import dataclass

HELP = """\
/new             start a new conversation
/list            list recent conversations
/search WORDS    find conversations by their words
/open N|ID       continue a conversation: number N of the last list, or its ID
/resume          continue the last conversation, and its answer if one is running
/rename TITLE    give the conversation another title
/delete [N|ID]   delete this or another conversation
/continue        let an interrupted answer go on
/retry           ask the last question again
/good [COMMENT]  rate the last answer as good
/bad [COMMENT]   rate the last answer as bad
/help            show this help
/quit            quit (also Ctrl-D, or Ctrl-C at an empty prompt)
Alt-Enter        begin a new line; pasted lines are one question
Ctrl-C           stop an answer"""


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its argument, which may be empty."""

    name: str
    argument: str


def command_in(text: str) -> Command | None:
    """Return the command in a text; a question has several lines, or begins with something else, such as a path."""
    name, _, argument = text.partition(" ")
    if "\n" in text or not name.startswith("/") or "/" in name[1:]:
        return None
    return Command(name, argument.strip())
