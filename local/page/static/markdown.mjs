// Parses Markdown to a tree of plain nodes: `{tag, attributes, children}` or a string. Text never becomes markup: each
// node becomes one element, and only http(s) and relative addresses become links.

const FENCE = /^ {0,3}(`{3,}|~{3,})[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t](.*))?$/;
const RULE = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:\s+|$)/;
const DELIMITER_ROW = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const MAX_DEPTH = 12;

const node = (tag, attributes, children) => ({ tag, attributes, children });

/** Split Markdown into the sources of its top-level blocks. While a text grows, only the last block changes. */
export function blocks(source) {
  const lines = source.replace(/\r\n?/g, "\n").split("\n");
  const found = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const end = blockEnd(lines, at);
    found.push(lines.slice(at, end).join("\n"));
    at = end;
  }
  return found;
}

/** Parse Markdown to nodes. */
export function parse(source, depth = 0) {
  if (depth > MAX_DEPTH) return [node("p", {}, [source])];
  return blocks(source).map((block) => parseBlock(block, depth));
}

function blockEnd(lines, start) {
  const first = lines[start];
  const fence = FENCE.exec(first);
  if (fence) return fenceEnd(lines, start, fence[1]);
  if (HEADING.test(first) || RULE.test(first)) return start + 1;
  if (QUOTE.test(first)) return whileLines(lines, start, (line) => QUOTE.test(line));
  if (ITEM.test(first)) return listEnd(lines, start);
  if (isTable(lines, start)) return whileLines(lines, start, (line) => line.includes("|"));
  return paragraphEnd(lines, start);
}

function whileLines(lines, start, belongs) {
  let end = start + 1;
  while (end < lines.length && lines[end].trim() && belongs(lines[end])) end += 1;
  return end;
}

function fenceEnd(lines, start, mark) {
  const close = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}\\s*$`);
  for (let end = start + 1; end < lines.length; end += 1) if (close.test(lines[end])) return end + 1;
  return lines.length;
}

const isTable = (lines, at) =>
  lines[at].includes("|") && at + 1 < lines.length && lines[at + 1].includes("-") && DELIMITER_ROW.test(lines[at + 1]);

function paragraphEnd(lines, start) {
  let end = start + 1;
  while (end < lines.length && lines[end].trim() && !interrupts(lines, end)) end += 1;
  return end;
}

function interrupts(lines, at) {
  const line = lines[at];
  const item = ITEM.exec(line);
  if (item) return item[0].length < line.length && (/[-*+]/.test(item[2]) || /^1[.)]/.test(item[2]));
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || isTable(lines, at);
}

const kindOf = (item) => item[2].slice(-1);

function listEnd(lines, start) {
  const first = ITEM.exec(lines[start]);
  const indent = first[1].length + 2;
  let end = start + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    const item = ITEM.exec(line);
    if (!line.trim() || indentOf(line) >= indent) continue;
    if (item && kindOf(item) === kindOf(first) && !RULE.test(line)) continue;
    if (item || !lines[end - 1].trim() || interrupts(lines, end)) break;
  }
  while (!lines[end - 1].trim()) end -= 1;
  return end;
}

const indentOf = (line) => line.length - line.trimStart().length;

function parseBlock(source, depth) {
  const lines = source.split("\n");
  const fence = FENCE.exec(lines[0]);
  if (fence) return parseFence(lines, fence);
  const heading = HEADING.exec(lines[0]);
  if (heading) return node(`h${heading[1].length}`, {}, parseInline((heading[2] ?? "").trim().replace(/(?:^|\s)#+$/, "").trim()));
  if (RULE.test(lines[0])) return node("hr", {}, []);
  if (QUOTE.test(lines[0])) {
    return node("blockquote", {}, parse(lines.map((line) => line.replace(QUOTE, "")).join("\n"), depth + 1));
  }
  if (ITEM.test(lines[0])) return parseList(lines, depth);
  if (isTable(lines, 0)) return parseTable(lines);
  return node("p", {}, parseInline(lines.map((line) => line.trimStart()).join("\n")));
}

function parseFence(lines, fence) {
  const isClosed = lines.length > 1 && new RegExp(`^ {0,3}${fence[1][0]}{${fence[1].length},}\\s*$`).test(lines.at(-1));
  const code = lines.slice(1, isClosed ? -1 : undefined).join("\n");
  return node("div", { class: "code" }, [node("pre", {}, [node("code", {}, [code])])]);
}

function parseList(lines, depth) {
  const first = ITEM.exec(lines[0]);
  const isOrdered = /\d/.test(first[2]);
  const items = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length < first[1].length + 2 && kindOf(item) === kindOf(first)) {
      items.push({ width: Math.min(item[0].length, item[1].length + item[2].length + 4), lines: [line.slice(item[0].length)] });
    } else {
      const { width, lines: own } = items.at(-1);
      own.push(line.slice(Math.min(indentOf(line), width)));
    }
  }
  // Items have paragraphs if there is an empty line between or inside items.
  const isLoose = items.some((item) => item.lines.slice(1).some((line) => !line.trim()));
  const number = Number.parseInt(first[2], 10);
  return node(isOrdered ? "ol" : "ul", isOrdered && number !== 1 ? { start: String(number) } : {}, items.map((item) => parseItem(item.lines, isLoose, depth)));
}

function parseItem(lines, isLoose, depth) {
  const task = /^\[([ xX])\]\s+/.exec(lines[0]);
  if (task) lines[0] = (task[1] === " " ? "☐ " : "☑ ") + lines[0].slice(task[0].length);
  const children = parse(lines.join("\n"), depth + 1);
  return node("li", {}, isLoose ? children : children.flatMap((child) => (child.tag === "p" ? child.children : [child])));
}

function parseTable(lines) {
  const alignments = cells(lines[1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "");
  const row = (line, tag) => {
    const texts = cells(line);
    return node("tr", {}, alignments.map((alignment, at) =>
      node(tag, alignment ? { class: alignment } : {}, parseInline(texts[at] ?? ""))));
  };
  const head = node("thead", {}, [row(lines[0], "th")]);
  const body = node("tbody", {}, lines.slice(2).map((line) => row(line, "td")));
  return node("div", { class: "table" }, [node("table", {}, [head, body])]);
}

const cells = (line) =>
  line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

// Inline elements, tried in this order at each of their first characters.
const INLINE = [
  [/^\\([!-/:-@[-`{-~])/, (match) => match[1]],
  [/^(`+)(?!`)([\s\S]*?[^`])\1(?!`)/, (match) => node("code", {}, [match[2].replace(/\n/g, " ").replace(/^ (.*\S.*) $/, "$1")])],
  [/^!?\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]\(\s*(?:<([^<>\n]*)>|([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/,
    (match, depth) => link(match[2] ?? match[3], parseInline(match[1], depth + 1))],
  [/^<(https?:\/\/[^\s<>]+)>/, (match) => link(match[1], [match[1]])],
  [/^https?:\/\/[^\s<>"'`|]*[^\s<>"'`|.,:;!?*_~)\]]/, (match) => link(match[0], [match[0]])],
  [/^(\*\*|__)(?=\S)([\s\S]*?\S)\1(?![*_])/, (match, depth) => node("strong", {}, parseInline(match[2], depth + 1))],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (match, depth) => node("del", {}, parseInline(match[1], depth + 1))],
  [/^\*(?=[^\s*])((?:\*\*[^*]+\*\*|[^*])*)(?<=\S)\*(?!\*)/, (match, depth) => node("em", {}, parseInline(match[1], depth + 1))],
  [/^_(?=[^\s_])([^_]*[^\s_])_(?![\p{L}\p{N}_])/u, (match, depth) => node("em", {}, parseInline(match[1], depth + 1))],
  [/^(?: {2,}|\\)\n/, () => node("br", {}, [])],
];
const STARTS = /[\\`![<*_~]|https?:\/\/| {2,}\n/g;
const WORD = /[\p{L}\p{N}]/u;

/** Parse the inside of a block to nodes and strings. */
export function parseInline(source, depth = 0) {
  const found = [];
  let text = "";
  let at = 0;
  while (at < source.length) {
    STARTS.lastIndex = at;
    const start = depth > MAX_DEPTH ? null : STARTS.exec(source);
    text += source.slice(at, start?.index ?? source.length);
    if (!start) break;
    at = start.index;
    const [length, parsed] = begin(source, at, depth);
    if (typeof parsed === "string") {
      text += parsed;
    } else {
      if (text) found.push(text);
      text = "";
      found.push(parsed);
    }
    at += length;
  }
  return text ? [...found, text] : found;
}

function begin(source, at, depth) {
  // The underscores of snake_case are not emphasis.
  if (source[at] === "_" && at > 0 && WORD.test(source[at - 1])) return [1, "_"];
  const rest = source.slice(at);
  for (const [pattern, make] of INLINE) {
    const match = pattern.exec(rest);
    if (match) return [match[0].length, make(match, depth)];
  }
  const run = /^(`+|\*+|_+|~+|[\s\S])/.exec(rest)[0];
  return [run.length, run];
}

function link(address, children) {
  const kind = kindOfAddress(address);
  if (!kind) return node("span", {}, children);
  return node("a", kind === "web" ? { href: address, target: "_blank", rel: "noopener noreferrer" } : { href: address }, children);
}

/** Return whether an address is a web address or a relative one; null for others, which are not links. */
function kindOfAddress(address) {
  let url;
  try {
    url = new URL(address, "http://page.invalid");
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  return url.host === "page.invalid" ? "relative" : "web";
}
