// Shows one answer: its text, tool calls and actions in the order of arrival, and how it ended.

import { MarkdownView, button, element } from "./dom.mjs";

export class AnswerView {
  constructor() {
    this.element = element("div", { class: "answer" });
    this.text = null;
    this.chips = new Map();
    this.lastChip = null;
    this.activity = null;
    this.thinking = element("div", { class: "thinking", role: "img", "aria-label": "The assistant is thinking" },
      element("i"), element("i"), element("i"));
  }

  /** Show that the answer continues. */
  wait() {
    this.element.append(this.thinking);
  }

  addText(text) {
    if (!this.text) {
      this.text = new MarkdownView();
      this.append(this.text.element);
    }
    this.activity = null;
    this.text.add(text);
  }

  finishBlock() {
    this.text?.draw();
    this.text = null;
    this.lastChip = null;
  }

  /** Show a tool call; its input may still be streaming. Repeated calls have no effect. */
  beginTool(id, name) {
    if (this.chips.has(id)) return;
    this.finishBlock();
    this.lastChip = new ToolChip(name);
    this.chips.set(id, this.lastChip);
    if (!this.activity) {
      this.activity = element("div", { class: "activity" });
      this.append(this.activity);
    }
    this.activity.append(this.lastChip.element);
  }

  addInput(text) {
    this.lastChip?.addInput(text);
  }

  endTool(id, name, isError, milliseconds) {
    this.beginTool(id, name);
    this.chips.get(id).end(isError ? "failed" : "done", milliseconds);
  }

  showAction(id, action, params) {
    this.chips.get(id)?.end("done");
    const [words, object] = describe(action, params);
    this.append(element("p", { class: "note" }, `The UI would now ${words} `, element("code", {}, object)));
    this.activity = null;
  }

  /** Add the inputs and results of the calls from the stored messages. */
  fill(messages) {
    for (const message of messages) {
      for (const call of message.tool_use ?? []) this.chips.get(call.id)?.setInput(call.input);
      for (const result of message.tool_results ?? []) this.chips.get(result.tool_use_id)?.setResult(result);
    }
  }

  /** End the answer; calls that are still running get no result. */
  end() {
    this.finishBlock();
    this.thinking.remove();
    for (const chip of this.chips.values()) chip.drop();
  }

  addMeta(text) {
    this.element.append(element("div", { class: "meta" }, text));
  }

  fail(message, retry) {
    const shown = element("div", { class: "failure", role: "alert" }, element("span", {}, message));
    if (retry) shown.append(button("Try again", () => { shown.remove(); retry(); }));
    this.element.append(shown);
  }

  append(made) {
    if (this.thinking.isConnected) this.thinking.before(made);
    else this.element.append(made);
  }
}

function describe(action, params) {
  if (action === "navigate_to") return ["open", String(params.path)];
  if (action === "refresh_data") return ["refresh", String(params.resource)];
  return [`run ${action} with`, JSON.stringify(params)];
}

class ToolChip {
  constructor(name) {
    this.time = element("small");
    this.input = section();
    this.result = section();
    this.element = element("details", { class: "chip running" },
      element("summary", {}, element("code", {}, name), this.time));
    this.setSection(this.input, "Input", "");
    this.streamed = "";
  }

  addInput(text) {
    this.streamed += text;
    this.setSection(this.input, "Input", this.streamed);
  }

  setInput(input) {
    this.setSection(this.input, "Input", JSON.stringify(input, null, 2));
  }

  setResult(result) {
    this.end(result.is_error ? "failed" : "done");
    this.setSection(this.result, "Result", readable(result.content));
  }

  setSection({ title, body }, name, text) {
    title.textContent = name;
    body.textContent = text;
    if (text && !body.isConnected) this.element.append(title, body);
  }

  end(state, milliseconds) {
    this.element.classList.remove("running", "dropped");
    if (state === "failed") this.element.classList.add("failed");
    if (milliseconds !== undefined && milliseconds !== null) this.time.textContent = `${milliseconds} ms`;
  }

  drop() {
    if (this.element.classList.contains("running")) this.element.classList.replace("running", "dropped");
  }
}

const section = () => ({ title: element("h4"), body: element("pre") });

function readable(content) {
  const blocks = typeof content === "string" ? [{ text: content }] : (content ?? []);
  const text = blocks.map((block) => block.text ?? JSON.stringify(block)).join("\n");
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
