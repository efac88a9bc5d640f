// Asks the user about tool calls that wait for a decision: what would change, and the buttons that decide.

import { changesOf } from "./changes.mjs";
import { button, element } from "./dom.mjs";

const SECOND = 1000;

/** Create a card for an open approval; `decide` gets `approve` or `reject`. */
export function approvalCard({ calls = [], expires_at: expires }, decide) {
  const approve = button(calls.length > 1 ? `Approve ${calls.length} changes` : "Approve", () => choose("approve"), { class: "primary" });
  const reject = button("Reject", () => choose("reject"));
  const left = element("small", {});
  const card = element("section", { class: "approval", "aria-label": "Approval needed" },
    element("h3", {}, "Approve this change?"), ...calls.map(describeCall),
    element("div", { class: "decision" }, approve, reject, left));

  function choose(decision) {
    approve.disabled = reject.disabled = true;
    decide(decision);
  }

  function count() {
    const milliseconds = Date.parse(expires) - Date.now();
    left.textContent = remaining(milliseconds);
    if (milliseconds <= 0) approve.disabled = reject.disabled = true;
    else if (card.isConnected) setTimeout(count, Math.min(milliseconds, 15 * SECOND));
  }

  // The card is not in the page yet.
  if (expires) setTimeout(count);
  return card;
}

function describeCall({ name, input, method, path, changes }) {
  const title = method && path ? element("code", {}, element("b", {}, method), ` ${path}`) : element("code", {}, name);
  const body = JSON.stringify(input ?? {}, null, 2);
  const inputs = element("details", {}, element("summary", {}, `Input of ${name}`),
    element("pre", { tabindex: "0", role: "region", "aria-label": `Input of ${name}` }, body));
  return element("div", { class: "asked" }, title, changesOf(changes) ?? "", inputs);
}

const OUTCOMES = { approve: "Approved", reject: "Rejected", expired: "Not decided in time", replaced: "Not decided" };

/** Create a line that says how an approval ended; it opens to the calls. */
export function outcomeOf({ calls = [], decision, reason }) {
  const targets = calls.map(({ name, method, path }) => (method && path ? `${method} ${path}` : name));
  const words = element("span", {}, OUTCOMES[decision] ?? decision, reason ? `: ${reason}` : "");
  const summary = element("summary", {}, words, element("code", {}, targets.join(", ")));
  return element("details", { class: `outcome ${decision}` }, summary, ...calls.map(describeCall));
}

/** Say how long a decision is possible. */
export function remaining(milliseconds) {
  if (milliseconds <= 0) return "Expired. Ask again if you still want the change.";
  const minutes = Math.ceil(milliseconds / 60_000);
  return `Expires in ${minutes} min`;
}

/** The open approval of a stored conversation, if there is one. */
export function approvalOf(conversation) {
  return conversation?.approval ?? null;
}
