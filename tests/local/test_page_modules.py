"""The page's modules that need no browser, run by Node.js."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import local.page

if TYPE_CHECKING:
    from pydantic import JsonValue

_STATIC = Path(local.page.__file__).parent / "static"
_NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(_NODE is None, reason="needs Node.js on PATH")


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
    """Render sources to a short notation of the nodes: `tag[attributes](children)`."""
    script = """
    import { parse } from "./markdown.mjs";
    const attributes = (node) => Object.entries(node.attributes).map(([name, value]) => `${name}=${value}`).join(" ");
    const show = (node) => typeof node === "string" ? node
      : `${node.tag}${attributes(node) && `[${attributes(node)}]`}(${node.children.map(show).join("")})`;
    console.log(JSON.stringify(given.map((source) => parse(source).map(show).join(""))));
    """
    rendered = run(script, list(sources))
    assert isinstance(rendered, list)
    return [str(one) for one in rendered]


def test_markdown_becomes_nodes() -> None:
    cases = {
        "# A *b* #": "h1(A em(b))",
        "**a _b_** ~~c~~ `<d>`": "p(strong(a em(b)) del(c) code(<d>))",
        "*a **b** c* and *d **e***": "p(em(a strong(b) c) and em(d strong(e)))",
        "***a*** **b *c***": "p(strong(em(a)) strong(b em(c)))",
        "snake_case_name 2 * 3 * 4 \\*x\\*": "p(snake_case_name 2 * 3 * 4 *x*)",
        "one\ntwo  \nthree\n\nfour": "p(one\ntwobr()three)p(four)",
        "- a\n  - b\n- c": "ul(li(aul(li(b)))li(c))",
        "3. a\n\n4. b": "ol[start=3](li(p(a))li(p(b)))",
        "text\n- a": "p(text)ul(li(a))",
        "> a\n> b": "blockquote(p(a\nb))",
        "```js\n<b>\n\n**x**\n```\nafter": "div[class=code](pre(code(<b>\n\n**x**)))p(after)",
        "```\nopen": "div[class=code](pre(code(open)))",
        "| a | b |\n|:-:|--:|\n| 1 \\| 2 | **3** |": (
            "div[class=table](table(thead(tr(th[class=center](a)th[class=right](b)))"
            "tbody(tr(td[class=center](1 | 2)td[class=right](strong(3))))))"
        ),
        "---": "hr()",
        "- [x] done": "ul(li(☑ done))",
    }
    assert markdown(*cases) == list(cases.values())


def test_only_web_and_relative_addresses_become_links() -> None:
    web = " target=_blank rel=noopener noreferrer"
    cases = {
        "[a](https://example.com/x_(y))": f"p(a[href=https://example.com/x_(y){web}](a))",
        "see https://example.com/x.": f"p(see a[href=https://example.com/x{web}](https://example.com/x).)",
        "[a](/projects/1)": "p(a[href=/projects/1](a))",
        "[a](//example.com)": f"p(a[href=//example.com{web}](a))",
        "[a](javascript:alert(1))": "p(span(a))",
        "[a](JaVaScRiPt:x)": "p(span(a))",
        "[a](<java\tscript:x>)": "p(span(a))",
        "[a](\x01javascript:x)": "p(span(a))",
        "[a](data:text/html,x)": "p(span(a))",
        "[a](vbscript:x)": "p(span(a))",
        "![a](https://example.com/a.png)": f"p(a[href=https://example.com/a.png{web}](a))",
        "<img src=x onerror=alert(1)>": "p(<img src=x onerror=alert(1)>)",
    }
    assert markdown(*cases) == list(cases.values())


def test_hostile_text_is_parsed_in_no_time() -> None:
    pieces = ["*", "**a", "[", "![a](", "`", "_a", "~~a", "> ", "- ", "|-", "   ", "#", "<http://", "\\", "a|b\n-|-\n"]
    assert len(markdown(*(piece * 3000 for piece in pieces), "#" + " " * 9000 + "x")) == len(pieces) + 1


def test_finished_blocks_stay_the_same_while_a_text_grows() -> None:
    source = "# A\n\ntext\nmore\n\n- a\n- b\n\n  c\n\n| a |\n|---|\n| 1 |\n\n```\nx\n\ny\n```\n\nend"
    script = """
    import { blocks } from "./markdown.mjs";
    const all = blocks(given);
    for (let end = 0; end <= given.length; end += 1) {
      const some = blocks(given.slice(0, end)).slice(0, -1);
      if (some.some((block, at) => block !== all[at])) throw new Error(JSON.stringify([end, some]));
    }
    console.log(all.length);
    """
    assert run(script, source) == 6


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
      for await (const event of readEvents(body)) events.push(event);
      found.add(JSON.stringify(events));
    }
    console.log(JSON.stringify([...found].map((one) => JSON.parse(one))));
    """
    assert run(script, stream) == [[{"event": "text", "data": {"text": "Grüße 🌍"}}, {"event": "done", "data": {}}]]
