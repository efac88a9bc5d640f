// Shows the tool calls between two texts of an answer: one line that opens to the calls, their inputs and results.

import { receiptOf } from "./changes.mjs";
import { element } from "./dom.mjs";

/** A folded group of calls. */
export class ToolActivity {
  constructor() {
    this.summary = element("summary");
    this.list = element("div", { class: "calls" });
    this.receipts = element("div", { class: "receipts" });
    this.details = element("details", { class: "activity" }, this.summary, this.list);
    this.element = element("div", {}, this.details, this.receipts);
    this.calls = [];
  }

  begin(name) {
    const call = new ToolCall(name, () => this.describe());
    this.calls.push(call);
    this.list.append(call.element);
    this.receipts.append(call.receipt);
    this.describe();
    return call;
  }

  /** Say in one line what runs, or what has run. */
  describe() {
    const running = this.calls.filter(({ state }) => state === "running");
    const failed = this.calls.filter(({ state }) => state === "failed").length;
    const names = [...new Set((running.length ? running : this.calls).map(({ name }) => name))];
    const count = this.calls.length === 1 ? "1 tool call" : `${this.calls.length} tool calls`;
    const asked = this.calls.filter(({ state }) => state === "asked").length;
    const refused = this.calls.filter(({ state }) => state === "refused").length;
    const outcome = [count, failed && `${failed} failed`, refused && `${refused} not approved`, asked && "waiting for approval"].filter(Boolean).join(", ");
    this.details.classList.toggle("running", running.length > 0);
    this.details.classList.toggle("failed", failed > 0);
    this.details.classList.toggle("asked", asked > 0);
    this.details.classList.toggle("refused", refused > 0);
    this.summary.replaceChildren(
      element("span", {}, running.length ? "Working" : outcome),
      element("code", {}, names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "")));
  }
}

class ToolCall {
  constructor(name, changed) {
    this.name = name;
    this.changed = changed;
    this.state = "running";
    this.isRefused = false;
    this.hasResult = false;
    this.streamed = "";
    this.time = element("small");
    this.input = section("Input");
    this.result = section("Result");
    this.receipt = element("div", { class: "receipt-place" });
    this.element = element("details", { class: "call running" }, element("summary", {}, element("code", {}, name), this.time));
  }

  addInput(text) {
    this.streamed += text;
    this.show(this.input, this.streamed);
  }

  setInput(input) {
    this.show(this.input, JSON.stringify(input, null, 2));
  }

  setResult({ content, is_error: isError, duration_ms: milliseconds, changes, receipt }) {
    this.end(isError ? "failed" : "done", milliseconds);
    this.show(this.result, readable(content));
    this.setReceipt(changes, receipt);
  }

  /** Show what the call has changed. */
  setReceipt(changes, receipt) {
    const shown = receiptOf(changes, receipt);
    if (shown) this.receipt.replaceChildren(shown);
  }

  show({ title, body }, text) {
    body.textContent = text;
    if (text && !body.isConnected) this.element.append(title, body);
  }

  /** The call does not run, because nobody has approved it. */
  refuse() {
    this.isRefused = true;
    this.end("refused");
  }

  /** End the call: `done`, `failed`, `asked` (a person decides), `refused`, or `dropped` (without a result). */
  end(state, milliseconds) {
    this.state = this.isRefused ? "refused" : state;
    this.element.className = `call ${this.state}`;
    this.hasResult ||= state === "done" || state === "failed";
    if (milliseconds !== undefined && milliseconds !== null) this.time.textContent = duration(milliseconds);
    this.changed();
  }

  drop() {
    if (this.state === "running") this.end("dropped");
  }
}

const section = (name) => ({
  title: element("h4", {}, name),
  body: element("pre", { tabindex: "0", role: "region", "aria-label": name }),
});

const duration = (milliseconds) => (milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`);

function readable(content) {
  const blocks = typeof content === "string" ? [{ text: content }] : (content ?? []);
  const text = blocks.map((block) => block.text ?? JSON.stringify(block)).join("\n");
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
