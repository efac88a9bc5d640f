"""What the terminal chat shows of an answer."""

from __future__ import annotations

import io
import json
from datetime import datetime

import pytest
from rich.console import Console

from local.chat.event_display import show
from local.chat.events import AnswerDone, TextAdded, ToolFinished, parse
from local.chat.markdown_blocks import split_finished
from local.chat.receipt_lines import receipt_lines
from local.chat.relative_time import relative_time
from local.chat.sse import Frame, FrameReader
from local.chat.tables import TerminalMarkdown
from local.chat.terminal import TerminalScreen
from tests.support.local_assistant import SCRIPTS
from tests.support.terminal import shown

# Events


def test_frames_are_the_same_however_their_bytes_are_cut() -> None:
    stream = "".join(SCRIPTS["hello"] + SCRIPTS["tools"]).encode()
    whole = FrameReader().feed(stream)
    for size in range(1, 12):
        reader = FrameReader()
        pieces = (stream[at : at + size] for at in range(0, len(stream), size))
        assert [found for piece in pieces for found in reader.feed(piece)] == whole
    assert whole[1] == Frame("text", '{"text": "world** 🌍"}')


def test_frames_leave_out_comments_and_join_lines_of_data() -> None:
    stream = (
        b": ping\n\nid: 7\nevent: text\r\ndata: one\ndata:two\n\ndata: bare\n\nevent: nothing\n\ndata: unfinished\n"
    )
    assert FrameReader().feed(stream) == [Frame("text", "one\ntwo"), Frame("message", "bare")]


def test_unknown_events_and_unknown_fields_are_left_out() -> None:
    assert parse(Frame("something_new", "not even JSON")) is None
    assert parse(Frame("text", '{"text": "a", "more": 1}')) == TextAdded(text="a")
    assert isinstance(parse(Frame("done", '{"message_id": "m"}')), AnswerDone)


def test_a_change_is_shown_below_its_call() -> None:
    finished = parse(
        Frame(
            "tool_result",
            json.dumps(
                {
                    "id": "a",
                    "name": "patch_project",
                    "changes": [
                        {"path": "/name", "before": "Old", "after": "\x1b[31mNew"},
                        {"path": "/note", "after": None},
                        {"path": "/token", "is_secret": True},
                    ],
                    "receipt": {"id": "r", "kind": "changed", "path": "/a", "can_be_undone": True, "left_out": 2},
                }
            ),
        )
    )
    assert isinstance(finished, ToolFinished)
    assert receipt_lines(finished) == [
        '  name: "Old" → "\\u001b[31mNew"',
        "  note: nothing → null",
        "  token: a secret",
        "  and 2 more",
        '  Say "undo that" to take it back.',
    ]


# Markdown


@pytest.mark.parametrize(
    ("source", "finished"),
    [
        ("one\n", ""),
        ("one\n\ntwo", ""),
        ("one\n\ntwo\n", "one\n\n"),
        ("one\n#1 of the list", ""),
        ("one\n# Two\n", "one\n"),
        ("- a\n\n- b\n", ""),
        ("```\ncode\n\nmore\n", ""),
        ("```\ncode\n```\nafter\n", "```\ncode\n```\n"),
        ("a | b\n", ""),
        ("one\n\n| a |\n|---|\n| b |\n", "one\n\n"),
        ("\n\n", ""),
    ],
)
def test_only_blocks_that_cannot_change_are_finished(source: str, finished: str) -> None:
    assert split_finished(source) == (finished, source.removeprefix(finished))


def test_a_long_streamed_answer_stands_once_on_a_small_screen() -> None:
    height, source = 10, "".join(f"Paragraph {number} of a long answer.\n\n" for number in range(30))
    source += (
        "".join(f"{number}. item\n" for number in range(1, 31)) + "\n```python\n" + "print(1)\n" * 30 + "```\nThe end."
    )
    output = io.StringIO()
    screen = TerminalScreen(Console(file=output, force_terminal=True, width=60, height=height, highlight=False))
    with screen.answering():
        for at in range(0, len(source), 3):
            screen.text(source[at : at + 3])
            screen.tick()
    lines = shown(output.getvalue(), height)
    for number in range(30):
        assert sum(line.strip() == f"Paragraph {number} of a long answer." for line in lines) == 1
    assert [line.strip() for line in lines if "item" in line] == [f"{number} item" for number in range(1, 31)]
    assert sum("print(1)" in line for line in lines) == 30
    assert sum("The end." in line for line in lines) == 1


def test_a_terminal_shows_tools_in_order_and_keeps_no_spinner() -> None:
    output = io.StringIO()
    screen = TerminalScreen(Console(file=output, force_terminal=True, width=60, height=24, highlight=False))
    with screen.answering():
        for found in FrameReader().feed("".join(SCRIPTS["tools"]).encode()):
            event = parse(found)
            if event is not None:
                show(event, screen)
                screen.tick()
    text = "\n".join(line.strip() for line in shown(output.getvalue(), 24) if line.strip())
    order = ["I look it up.", "✓ list_projects 120 ms\n✗ get_team 7 ms\n→ navigate to /projects/123", "billing-api"]
    order += ["2,134 tokens in (900 from the cache) · 56 out\nTitle: Projects of the platform team"]
    assert [text.find(part) for part in order] == sorted(text.find(part) for part in order)
    assert all(text.count(part) == 1 for part in order)
    assert "⚙" not in text


@pytest.mark.parametrize(
    ("columns", "row", "is_table"),
    [
        (["Name", "Team"], ["billing-api", "Platform"], True),
        (["Name", "Team", "Description"], ["billing-api", "Platform", "Sends the bills of the month. " * 3], True),
        (["Name", "Team", "Text"], ["billing-api", "Platform", "Sends the bills of the month. " * 9], False),
        ([f"Column {number}" for number in range(9)], ["a-long-word"] * 9, False),
        (["Name", "URL"], ["x", f"https://example.com/{'a' * 90}"], False),
    ],
)
def test_a_table_that_does_not_fit_becomes_a_list(columns: list[str], row: list[str], *, is_table: bool) -> None:
    output = io.StringIO()
    lines = [columns, ["---"] * len(columns), row]
    source = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    Console(file=output, width=80, highlight=False).print(TerminalMarkdown(source))
    shown = output.getvalue()
    assert ("─" in shown) == is_table
    assert ("•" in shown) != is_table
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "".join(shown.split()).count("".join(row[0].split())) >= 1
    if is_table:
        assert all(word in shown for word in " ".join(row).split())


def test_links_to_pages_of_the_ui_are_shown_as_their_text() -> None:
    output = io.StringIO()
    source = "[one](/projects/1) and [two](https://example.com/2)"
    Console(file=output, width=80, highlight=False).print(TerminalMarkdown(source))
    assert output.getvalue().strip() == "one and two (https://example.com/2)"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-22T11:59:30Z", "just now"),
        ("2026-11-22T11:15:00Z", "45 min ago"),
        ("2026-11-22T09:00:00Z", "3 h ago"),
        ("2026-11-20T11:00:00Z", "2 d ago"),
        ("2026-11-01T11:00:00Z", "2026-11-01"),
    ],
)
def test_an_age_is_shown_in_a_fitting_unit(moment: str, words: str) -> None:
    assert relative_time(datetime.fromisoformat(moment), now=datetime.fromisoformat("2026-11-22T12:00:00Z")) == words
