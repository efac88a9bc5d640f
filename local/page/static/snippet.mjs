// The part of a conversation that a search has found; the found words are between `**`.

import { element } from "./dom.mjs";

/** Return the snippet as texts and marked words. */
export function snippetOf(snippet) {
  return snippet.split("**").map((part, at) => (at % 2 ? element("mark", {}, part) : part));
}
