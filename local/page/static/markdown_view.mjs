// Shows Markdown while it is streamed: a finished block is created once, and only the last block is created again.

import createPurifier from "dompurify";
import { decorate } from "./markdown_decoration.mjs";
import { endOfFinished, hasDefinitions } from "./markdown_blocks.mjs";
import { blockParser, textParser } from "./markdown_html.mjs";
import { element } from "./dom.mjs";

const purifier = createPurifier(window);
const SAFE = {
  RETURN_DOM_FRAGMENT: true,
  USE_PROFILES: { html: true },
  FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "img", "audio", "video", "svg", "math"],
  FORBID_ATTR: ["style"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
};
const BLOCKS = blockParser();
let views = 0;

export class MarkdownView {
  constructor() {
    this.element = element("div", { class: "markdown" });
    this.source = "";
    this.finished = 0;
    this.last = [];
    this.frame = null;
    views += 1;
    this.prefix = `text-${views}`;
  }

  add(text) {
    this.source += text.replace(/\r\n?/g, "\n");
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  /** Show the text so far. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    for (const node of this.last) node.remove();
    const end = this.finished + endOfFinished(this.source.slice(this.finished));
    if (end > this.finished) this.element.append(fragmentOf(BLOCKS, this.source.slice(this.finished, end), true));
    this.finished = end;
    const fragment = fragmentOf(BLOCKS, this.source.slice(end), false);
    this.last = [...fragment.childNodes];
    this.element.append(fragment);
  }

  /** Show the whole text, to which nothing will be added. */
  finish() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (hasDefinitions(this.source)) {
      this.element.replaceChildren(fragmentOf(textParser(this.prefix), this.source, true));
    } else {
      for (const node of this.last) node.remove();
      this.element.append(fragmentOf(BLOCKS, this.source.slice(this.finished), true));
    }
    this.last = [];
    this.finished = this.source.length;
  }
}

function fragmentOf(parser, source, isFinished) {
  const fragment = purifier.sanitize(htmlOf(parser, source), SAFE);
  decorate(fragment, isFinished);
  return fragment;
}

/** A text that the parser cannot take, such as thousands of nested quotes, is shown as it is. */
function htmlOf(parser, source) {
  try {
    return parser.parse(source);
  } catch {
    return element("pre", {}, element("code", {}, source)).outerHTML;
  }
}
