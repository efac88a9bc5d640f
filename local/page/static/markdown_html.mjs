// Turns Markdown into HTML. The HTML is not safe yet: `markdown_view.mjs` sanitises it.

import { Marked, Tokenizer } from "marked";
import footnotes from "marked-footnote";
import { math } from "./markdown_math.mjs";

// Tags that models write inside Markdown. They pass without attributes; every other `<` is text, such as `<service>`.
const TAGS = "b|blockquote|br|code|dd|del|details|dl|dt|em|hr|i|ins|kbd|li|mark|ol|p|q|s|samp|small|strong|sub|summary|sup|u|ul|var|wbr";
const OTHER_TAG = new RegExp(`<(?!/?(?:${TAGS})\\s*/?>)`, "gi");
const CODE_SPAN = /(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g;

const tokenizer = {
  /** GFM ends a cell at every `|`, in code too. Models write `|` in code without escaping it, so it is escaped here. */
  table(source) {
    const found = this.rules.block.table.exec(source);
    if (!found) return undefined;
    const escaped = found[0].replace(CODE_SPAN, (code) => code.replace(/(?<!\\)\|/g, "\\|"));
    const token = Tokenizer.prototype.table.call(this, escaped);
    return token && { ...token, raw: found[0] };
  },
};

const renderer = {
  html: ({ text }) => text.replace(OTHER_TAG, "&lt;"),
  // A picture from elsewhere would tell its server who reads the answer, so it becomes a link.
  image({ href, text }) {
    return this.link({ href, title: null, tokens: [{ type: "text", raw: text, text: text || href, escaped: false }] });
  },
  checkbox: ({ checked }) => `<span class="task" role="img" aria-label="${checked ? "done" : "open"}">${checked ? "☑" : "☐"}</span> `,
};

/** Create a parser for blocks that are shown on their own: footnotes stay as they are written. */
export function blockParser() {
  return new Marked({ gfm: true, tokenizer, renderer, extensions: math });
}

/** Create a parser for a whole text; the ids of its footnotes begin with a prefix that no other text has. */
export function textParser(prefix) {
  const parser = new Marked({ gfm: true, tokenizer, renderer, extensions: math });
  return parser.use(footnotes({ prefixId: `${prefix}-note-`, headingClass: "unseen" }));
}
