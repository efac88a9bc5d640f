// What sanitised Markdown gets on the page: links, tables that scroll, code with colours and a copy button, formulas.

import hljs from "highlight.js";
import katex from "katex";
import { button, element } from "./dom.mjs";
import { copy } from "./clipboard.mjs";

const SHORT_CELL = 20;
// Colouring longer code would hold up the page.
const LONGEST_COLOURED = 60_000;
const FORMULA = { output: "mathml", throwOnError: false, trust: false, maxExpand: 200, maxSize: 20, strict: false };

/** Complete the elements of a fragment. Blocks that still grow get no colours and no formulas. */
export function decorate(fragment, isFinished) {
  for (const link of fragment.querySelectorAll("a[href]")) openApart(link);
  for (const table of fragment.querySelectorAll("table")) makeScrollable(table);
  for (const code of fragment.querySelectorAll("pre > code")) completeCode(code, isFinished);
  if (isFinished) for (const formula of fragment.querySelectorAll(".math")) typeset(formula);
}

/** Links to other sites open in a tab of their own. */
function openApart(link) {
  const address = link.getAttribute("href");
  if (!/^(?:[a-z]+:|\/\/)/i.test(address)) return;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}

function makeScrollable(table) {
  const frame = element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" });
  table.replaceWith(frame);
  frame.append(table);
  // Short cells, such as dates, stay on one line.
  for (const cell of table.querySelectorAll("td")) cell.classList.toggle("short", cell.textContent.length <= SHORT_CELL);
}

function completeCode(code, isFinished) {
  const language = /\blanguage-(\S+)/.exec(code.className)?.[1] ?? "";
  const label = language || "text";
  const pre = code.parentElement;
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", `Code: ${label}`);
  const copyCode = button("Copy", () => copy(code.textContent, copyCode), { class: "quiet", "aria-label": "Copy code" });
  const frame = element("div", { class: "code" }, element("div", { class: "code-bar" }, element("span", {}, label), copyCode));
  pre.replaceWith(frame);
  frame.append(pre);
  if (isFinished && hljs.getLanguage(language) && code.textContent.length <= LONGEST_COLOURED) hljs.highlightElement(code);
}

function typeset(formula) {
  katex.render(formula.textContent, formula, { ...FORMULA, displayMode: formula.tagName === "DIV" });
}
