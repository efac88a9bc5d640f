// Splits a growing Markdown text into finished blocks and the last block, which more text may still change.

import { Lexer } from "marked";
import { blockParser } from "./markdown_html.mjs";

const OPTIONS = blockParser().defaults;
// Definitions work in the whole text: footnotes, and the addresses of links.
const DEFINITION = /^ {0,3}\[[^\]\n]+\]:/m;

/** Return where the last block begins. Only complete lines count: `#` alone may become `#1 of the list`. */
export function endOfFinished(source) {
  const tokens = tokensOf(source.slice(0, source.lastIndexOf("\n") + 1));
  let last = tokens.length - 1;
  while (last >= 0 && tokens[last].type === "space") last -= 1;
  return tokens.slice(0, Math.max(last, 0)).reduce((end, { raw }) => end + raw.length, 0);
}

/** Return whether blocks of a text must be shown anew when the whole text is known. */
export const hasDefinitions = (source) => DEFINITION.test(source);

function tokensOf(source) {
  try {
    return new Lexer(OPTIONS).blockTokens(source, []);
  } catch {
    // The parser cannot take it, and the view shows it as one block.
    return [];
  }
}
