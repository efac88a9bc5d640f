// Shows one answer: its texts, thoughts, tool calls and actions in the order of arrival, and how it ended.

import { outcomeOf } from "./approval_card.mjs";
import { button, element } from "./dom.mjs";
import { copy } from "./clipboard.mjs";
import { MarkdownView } from "./markdown_view.mjs";
import { ToolActivity } from "./tool_activity.mjs";

/** The tools that the browser carries out. */
const ACTIONS = new Set(["navigate_to", "refresh_data"]);

export class AnswerView {
  /** `calls` are those that an earlier part of the answer shows, and whose results may come now. */
  constructor(calls = new Map()) {
    this.earlierCalls = calls;
    this.body = element("div", { class: "answer-body" });
    this.foot = element("div", { class: "answer-foot" });
    this.waiting = element("div", { class: "waiting" }, element("span"));
    this.element = element("div", { class: "answer", role: "group", "aria-label": "Answer" }, this.body, this.foot);
    this.clear();
  }

  /** Forget everything that was shown. */
  clear() {
    this.texts = [];
    this.text = null;
    this.thoughts = null;
    this.calls = new Map(this.earlierCalls);
    this.lastCall = null;
    this.activity = null;
    this.body.replaceChildren();
  }

  get hasText() {
    return this.texts.some(({ source }) => source.trim());
  }

  /** The Markdown of the whole answer. */
  get source() {
    return this.texts.map(({ source }) => source.trim()).filter(Boolean).join("\n\n");
  }

  /** Show that the answer continues. */
  wait(words = "The assistant is working …") {
    this.waiting.firstChild.textContent = words;
    this.element.setAttribute("aria-busy", "true");
    this.foot.before(this.waiting);
  }

  addText(text) {
    if (!this.text) {
      this.text = new MarkdownView();
      this.texts.push(this.text);
      this.append(this.text.element);
    }
    this.text.add(text);
  }

  addThought(text) {
    if (!this.thoughts) {
      this.finishBlock();
      this.thoughts = new MarkdownView();
      this.append(element("details", { class: "thoughts" }, element("summary", {}, "Thoughts"), this.thoughts.element));
    }
    this.thoughts.add(text);
  }

  finishBlock() {
    if (this.text) this.finishText();
    this.thoughts?.finish();
    this.text = null;
    this.thoughts = null;
    this.lastCall = null;
  }

  /** Finish a text. One that repeats an earlier text is left out: the service says it again for Imbi's UI. */
  finishText() {
    const isRepeated = this.texts.some((earlier) => earlier !== this.text && earlier.source.trim() === this.text.source.trim());
    if (isRepeated) {
      this.text.element.remove();
      this.texts.pop();
    } else this.text.finish();
  }

  /** Show a tool call, whose input may still be streaming, and return it; a call that is shown stays as it is. */
  beginTool(id, name) {
    const known = this.calls.get(id);
    if (known) return known;
    this.finishBlock();
    if (!this.activity) {
      const activity = new ToolActivity();
      this.append(activity.element);
      this.activity = activity;
    }
    this.lastCall = this.activity.begin(name);
    this.calls.set(id, this.lastCall);
    return this.lastCall;
  }

  addInput(text) {
    this.lastCall?.addInput(text);
  }

  endTool({ id, name, is_error: isError, duration_ms: milliseconds, changes, receipt }) {
    const call = this.beginTool(id, name);
    call.end(isError ? "failed" : "done", milliseconds);
    call.setReceipt(changes, receipt);
  }

  showAction({ id, action, params }) {
    this.calls.get(id)?.end("done");
    const [words, object] = describe(action, params);
    this.append(element("p", { class: "note" }, `Imbi's UI would now ${words} `, element("code", {}, object)));
  }

  /** Add the inputs and results of the calls from the stored messages. */
  fill(messages) {
    for (const { tool_use: calls, tool_results: results } of messages) {
      for (const { id, input } of calls ?? []) this.calls.get(id)?.setInput(input);
      for (const result of results ?? []) this.calls.get(result.id)?.setResult(result);
    }
  }

  /** Show stored messages of the answer. */
  tell(messages) {
    for (const { role, content, thinking, tool_use: calls, tool_results: results, approval } of messages) {
      if (thinking) this.addThought(thinking);
      this.finishBlock();
      if (role === "assistant" && content?.trim()) this.addText(content);
      this.finishBlock();
      for (const { id, name, input } of calls ?? []) this.beginTool(id, name).setInput(input);
      if (approval?.decision) this.addOutcome(approval);
      for (const result of results ?? []) this.tellResult(result);
    }
  }

  tellResult(result) {
    const { id, name, input, is_error: isError } = result;
    const call = this.beginTool(id, name ?? "tool");
    if (input) call.setInput(input);
    call.setResult(result);
    if (ACTIONS.has(name) && !isError) this.showAction({ id, action: name, params: input });
  }

  /** Show how the approval of calls ended. Without an approval, none of the reply's calls runs. */
  addOutcome(approval) {
    const waiting = [...this.calls.values()].filter(({ hasResult }) => !hasResult);
    if (approval.decision !== "approve") for (const call of waiting) call.refuse();
    this.append(outcomeOf(approval));
  }

  /** End the answer; calls that are still running get no result. */
  end() {
    this.finishBlock();
    this.waiting.remove();
    this.element.removeAttribute("aria-busy");
    for (const call of this.calls.values()) call.drop();
  }

  /** Show the line below the answer: what can be done with it, and its tokens. */
  setFoot(usage, ...actions) {
    const copyAnswer = button("Copy", () => copy(this.source, copyAnswer), { class: "quiet", "aria-label": "Copy the answer as Markdown" });
    const copied = this.hasText ? [copyAnswer] : [];
    this.foot.replaceChildren(element("div", { class: "foot" }, ...copied, ...actions, element("small", {}, usage)));
  }

  /** Show how the answer ended, if that was not the usual end. */
  setEnding({ title, text }, ...actions) {
    const shown = element("div", { class: "ending", role: "status" }, element("strong", {}, title), element("span", {}, text), ...actions);
    this.foot.replaceChildren(shown);
  }

  /** Add something between the texts; tool calls after it form a new group. */
  append(made) {
    this.body.append(made);
    this.activity = null;
  }
}

function describe(action, params) {
  if (action === "navigate_to") return ["open", String(params.path)];
  if (action === "refresh_data") return ["refresh", String(params.resource)];
  return [`run ${action} with`, JSON.stringify(params)];
}
