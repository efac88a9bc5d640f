"""The page's modules that need no browser, run by Node.js."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import local.page
from local.node import set_up_page

if TYPE_CHECKING:
    from pydantic import JsonValue

_STATIC = Path(local.page.__file__).parent / "static"
_NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(_NODE is None, reason="needs Node.js on PATH")


@pytest.fixture(autouse=True, scope="module")
def _libraries() -> None:
    set_up_page(lambda _line: None)


def run(script: str, given: JsonValue) -> JsonValue:
    program = f"const given = {json.dumps(given)};\n{script}"
    ended = subprocess.run(  # noqa: S603  # the tests' own command
        [str(_NODE), "--input-type=module", "-"],
        input=program.replace("./", f"{_STATIC.as_uri()}/"),
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    found: JsonValue = json.loads(ended.stdout)
    return found


def markdown(*sources: str) -> list[str]:
    """Render sources to HTML, without the line ends between blocks."""
    script = """
    import { textParser } from "./markdown_html.mjs";
    console.log(JSON.stringify(given.map((source) => textParser("t").parse(source).replace(/>\\n+(?=<|$)/g, ">"))));
    """
    rendered = run(script, list(sources))
    assert isinstance(rendered, list)
    return [str(one) for one in rendered]


def test_code_in_tables_may_contain_bars() -> None:
    source = "| a | b |\n|---|--:|\n| `x | y` | `p \\| q` |\n| 1 \\| 2 | **3** |"
    (shown,) = markdown(source)
    assert "<td><code>x | y</code></td>" in shown
    assert '<td align="right"><code>p | q</code></td>' in shown
    assert "<td>1 | 2</td>" in shown
    assert shown.count("<tr>") == 3


def test_formulas_are_told_from_amounts() -> None:
    cases = {
        "$x^2$ and \\(a_b\\)": '<p><span class="math">x^2</span> and <span class="math">a_b</span></p>',
        "$$\na < b\n$$\n\nafter": '<div class="math">a &lt; b</div><p>after</p>',
        "\\[ x_1 \\]": '<div class="math">x_1</div>',
        "text\n$$c$$": '<p>text</p><div class="math">c</div>',
        "$5 and $10, US$5-US$10, $5/$10": "<p>$5 and $10, US$5-US$10, $5/$10</p>",
        "$HOME/$USER and `$a$`": "<p>$HOME/$USER and <code>$a$</code></p>",
    }
    assert markdown(*cases) == list(cases.values())


def test_footnotes_lists_and_code_are_rendered() -> None:
    footnote, tasks, code = markdown("a[^1]\n\n[^1]: Why.", "- [x] done\n  1. one\n     - two", "```py\n<b>\n```")
    assert 'href="#t-note-1"' in footnote
    assert '<li id="t-note-1"><p>Why.' in footnote
    assert '<span class="task" role="img" aria-label="done">☑</span> done<ol><li>one<ul><li>two</li></ul>' in tasks
    assert code == '<pre><code class="language-py">&lt;b&gt;\n</code></pre>'


def test_only_plain_tags_are_markup_and_pictures_are_links() -> None:
    cases = {
        "a<br>b <kbd>c</kbd>": "<p>a<br>b <kbd>c</kbd></p>",
        "use <service-name> and <Foo>": "<p>use &lt;service-name> and &lt;Foo></p>",
        "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)>",
        "a <b onclick=x>c</b>": "<p>a &lt;b onclick=x>c</b></p>",
        "![a](https://example.com/a.png)": '<p><a href="https://example.com/a.png">a</a></p>',
    }
    assert markdown(*cases) == list(cases.values())


def test_hostile_text_is_rendered_in_bounded_time() -> None:
    pieces = ["*", "**a", "[", "![a](", "`", "_a", "~~a", "- ", "|-", "   ", "#", "<http://", "\\", "a|b\n-|-\n", "$a"]
    assert len(markdown(*(piece * 1000 for piece in pieces), "#" + " " * 9000 + "x")) == len(pieces) + 1


def test_finished_blocks_stay_the_same_while_a_text_grows() -> None:
    source = (
        "# A\n\ntext\nmore\n\n- a\n- b\n\n  c\n\n| a |\n|---|\n| 1 |\n\n```\nx\n\ny\n```\n\n"
        "$$\na\n$$\n\n> q\n\n1. x\n\n   y\n\nend\n===\n\nlast"
    )
    script = """
    import { blockParser } from "./markdown_html.mjs";
    import { endOfFinished } from "./markdown_blocks.mjs";
    const parser = blockParser();
    const whole = parser.parse(given);
    const cuts = new Set();
    for (let end = 0; end <= given.length; end += 1) {
      const cut = endOfFinished(given.slice(0, end));
      cuts.add(cut);
      const shown = parser.parse(given.slice(0, cut)) + parser.parse(given.slice(cut));
      if (shown !== whole) throw new Error(JSON.stringify([end, cut]));
    }
    console.log(cuts.size);
    """
    assert run(script, source) == 9


def test_a_question_is_shown_without_the_blocks_of_the_ui() -> None:
    messages: list[JsonValue] = [
        {"id": "1", "role": "user", "content": "<context>page</context>\n\n<search_context>x</search_context>\nOne?"},
        {"id": "2", "role": "assistant", "content": "First.", "tool_use": [{"id": "t"}]},
        {"id": "3", "role": "user", "content": "", "tool_results": [{"tool_use_id": "t"}]},
        {"id": "4", "role": "assistant", "content": "Then.", "stop_reason": "approval_required"},
        {"id": "5", "role": "assistant", "content": "More."},
        {"id": "6", "role": "user", "content": "Two?"},
    ]
    script = """
    import { exchangesOf, messagesBefore } from "./exchanges.mjs";
    const shown = exchangesOf(given).map(({ question, answer }) =>
      [question.id, question.text, answer.map(({ id }) => id), messagesBefore(answer).map(({ id }) => id)]);
    console.log(JSON.stringify(shown));
    """
    assert run(script, messages) == [["1", "One?", ["2", "3", "4", "5"], ["2", "3", "4"]], ["6", "Two?", [], []]]


def test_an_interrupted_answer_offers_what_can_help() -> None:
    overloaded: dict[str, JsonValue] = {"code": "overloaded", "message": "Busy."}
    refused: dict[str, JsonValue] = {"code": "invalid_request", "message": "No."}
    messages: list[JsonValue] = [
        {"stop_reason": "end_turn"},
        {"is_partial": True, "stop_reason": "stopped"},
        {"is_partial": True, "error": overloaded},
        {"is_partial": True, "error": refused},
        {"stop_reason": "max_tokens"},
        {"stop_reason": "refusal"},
    ]
    script = """
    import { endingOf } from "./ending.mjs";
    console.log(JSON.stringify(given.map(endingOf).map((one) => one && [one.title, one.canContinue, one.canRepeat])));
    """
    assert run(script, messages) == [
        None,
        ["Interrupted", True, True],
        ["Interrupted", True, True],
        ["Interrupted", False, False],
        ["Interrupted", True, True],
        ["Ended early", False, True],
    ]


_SERVICE = """
import { answerEvents } from "./answer_stream.mjs";
const frame = ([id, event]) => `${id === null ? "" : `id: ${id}\\n`}event: ${event}\\ndata: {}\\n\\n`;
const response = (frames, isCut) => ({ body: new ReadableStream({ start(controller) {
  controller.enqueue(new TextEncoder().encode(frames.map(frame).join("")));
  if (isCut) controller.error(new Error("cut")); else controller.close();
} }) });
async function follow(first, later) {
  const asked = [];
  const rejoin = async (lastId) => {
    asked.push(lastId);
    const next = later.shift();
    if (next === "unreachable") throw Object.assign(new Error(next), { isUnreachable: true });
    return next && response(...next);
  };
  const { signal } = new AbortController();
  const events = [];
  const given = { open: async () => response(...first), rejoin, signal, waits: [0, 0, 0] };
  for await (const { event } of answerEvents(given)) events.push(event);
  return [events, asked];
}
"""


def test_a_lost_stream_is_joined_again_where_it_broke() -> None:
    script = f"""{_SERVICE}
    console.log(JSON.stringify(await Promise.all([
      follow([[["1", "text"], ["2", "done"]], false], []),
      follow([[["1", "text"]], false], ["unreachable", [[["2", "text"]], false], [[["3", "done"]], false]]),
      follow([[[null, "text"]], false], [[[[null, "text"], [null, "done"]], false]]),
      follow([[["1", "text"]], false], [null]),
      follow([[["1", "done"]], false], []),
    ])));
    """
    assert run(script, None) == [
        [["text", "done"], []],
        [["text", "reconnecting", "text", "reconnecting", "done"], ["1", "1", "2"]],
        [["text", "reconnecting", "restarted", "text", "done"], [None]],
        [["text", "reconnecting"], ["1"]],
        [["done"], []],
    ]


def test_events_are_read_however_their_bytes_are_cut() -> None:
    stream = ': ping\n\nevent: text\ndata: {"text": "Grüße 🌍"}\n\nevent: done\ndata: {}\n\nevent: text\ndata: {"te'
    script = """
    import { readEvents } from "./sse.mjs";
    const bytes = new TextEncoder().encode(given);
    const found = new Set();
    for (let size = 1; size <= bytes.length; size += 1) {
      const body = new ReadableStream({ start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      } });
      const events = [];
      for await (const { event, data } of readEvents(body)) events.push({ event, data });
      found.add(JSON.stringify(events));
    }
    console.log(JSON.stringify([...found].map((one) => JSON.parse(one))));
    """
    assert run(script, stream) == [[{"event": "text", "data": {"text": "Grüße 🌍"}}, {"event": "done", "data": {}}]]
