// The syntax of mathematics in Markdown, as extensions of marked: $…$, $$…$$, \(…\) and \[…\].
//
// An amount is not mathematics: a dollar sign begins a formula only before a character that is not a space, and ends
// it only after one, and neither sign may touch a letter or a digit on its other side.

const INLINE = /^(?:\$\$(?!\$)([^$\n]+?)\$\$|\$(?![\s$])((?:\\.|[^\\$\n])*?(?:\\.|[^\\$\n\s]))\$(?![\w$])|\\\((.+?)\\\))/;
const INLINE_START = /(?<![\w$\\])\$(?=\S)|\\\(/;
const BLOCK = /^ {0,3}(?:\$\$((?:(?!\$\$|\n[ \t]*\n)[\s\S])+)\$\$|\\\[((?:(?!\\\]|\n[ \t]*\n)[\s\S])+)\\\])[ \t]*(?:\n+|$)/;
const BLOCK_START = /^ {0,3}(?:\$\$|\\\[)/m;

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text) => text.replace(/[&<>]/g, (character) => ESCAPES[character]);

export const math = [
  {
    name: "mathBlock",
    level: "block",
    start: (source) => BLOCK_START.exec(source)?.index,
    tokenizer(source) {
      const found = BLOCK.exec(source);
      return found ? { type: "mathBlock", raw: found[0], text: (found[1] ?? found[2]).trim() } : undefined;
    },
    renderer: ({ text }) => `<div class="math">${escaped(text)}</div>\n`,
  },
  {
    name: "mathInline",
    level: "inline",
    start: (source) => INLINE_START.exec(source)?.index,
    tokenizer(source) {
      const found = INLINE.exec(source);
      return found ? { type: "mathInline", raw: found[0], text: (found[1] ?? found[2] ?? found[3]).trim() } : undefined;
    },
    renderer: ({ text }) => `<span class="math">${escaped(text)}</span>`,
  },
];
