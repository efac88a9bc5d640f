// Shows the stored messages of a conversation.

import { AnswerView } from "./answer.mjs";
import { element } from "./dom.mjs";

// The web UI's description of the current page for the model.
const CONTEXT = /^\s*<context>[\s\S]*?<\/context>\s*/;

/** Create the elements for a conversation's stored messages. */
export function historyOf(messages) {
  const made = [];
  const answers = [];
  let answer = null;
  for (const message of messages) {
    if (message.role === "user") {
      const text = (message.content ?? "").replace(CONTEXT, "");
      if (!text.trim()) continue;
      answer = null;
      made.push(element("div", { class: "mine" }, text));
      continue;
    }
    if (!answer) {
      answer = new AnswerView();
      answers.push(answer);
      made.push(answer.element);
    }
    if (message.content?.trim()) answer.addText(message.content);
    answer.finishBlock();
    for (const call of message.tool_use ?? []) answer.beginTool(call.id, call.name);
  }
  for (const shown of answers) {
    shown.fill(messages);
    shown.end();
  }
  return made;
}
