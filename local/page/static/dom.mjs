// Creates elements. Text always becomes text nodes, never markup.

import { blocks, parse } from "./markdown.mjs";

const SHORT_CELL = 20;

/** Create an element; children are elements or strings. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Create a button that runs an action. */
export function button(label, action, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", action);
  return made;
}

const build = (node) =>
  typeof node === "string" ? node : element(node.tag, node.attributes, ...node.children.map(build));

/** Shows streamed Markdown: finished blocks keep their elements, only changed blocks are created again. */
export class MarkdownView {
  constructor() {
    this.element = element("div", { class: "markdown" });
    this.source = "";
    this.shown = [];
    this.frame = null;
  }

  add(text) {
    this.source += text;
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    const sources = blocks(this.source);
    let same = 0;
    while (same < sources.length && sources[same] === this.shown[same]) same += 1;
    while (this.element.children.length > same) this.element.lastChild.remove();
    for (const source of sources.slice(same)) this.element.append(...parse(source).map(build).map(withCopy).map(withShortCells));
    this.shown = sources;
  }
}

/** Keep short cells, such as dates, on one line. */
function withShortCells(made) {
  if (made.className !== "table") return made;
  for (const cell of made.querySelectorAll("td")) cell.classList.toggle("short", cell.textContent.length <= SHORT_CELL);
  return made;
}

function withCopy(made) {
  if (made.className !== "code") return made;
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(made.querySelector("code").textContent);
    copy.textContent = "Copied";
  });
  made.append(copy);
  return made;
}
