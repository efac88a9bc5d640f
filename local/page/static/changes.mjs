// Shows what a call changes or has changed: each field with its value before and after.

import { element } from "./dom.mjs";

const KINDS = { changed: "Changed", created: "Created", removed: "Removed" };

/** Create a table of changes, which are `{path, before, after}` with a JSON Pointer (RFC 6901); null if there are none. */
export function changesOf(changes, leftOut = 0) {
  if (!changes?.length) return null;
  const columns = columnsOf(changes);
  const rows = changes.map((change) => element("tr", {},
    element("th", { scope: "row" }, fieldOf(change.path)),
    ...columns.map(([, moment, tag]) => element("td", {}, valueOf(change, moment, tag)))));
  const head = element("tr", {}, ...["Field", ...columns.map(([name]) => name)].map((name) => element("th", { scope: "col" }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  const frame = element("div", { class: "table changes", tabindex: "0", role: "region", "aria-label": "Changes" }, table);
  if (leftOut) frame.append(element("small", {}, `${leftOut} more`));
  return frame;
}

/** The columns of values; one is enough where all fields are new, or all go. */
function columnsOf(changes) {
  const isKnown = (moment) => changes.some((change) => change.is_secret || moment in change);
  if (!isKnown("after")) return [["Value", "before", "span"]];
  if (!isKnown("before")) return [["Value", "after", "span"]];
  return [["Before", "before", "del"], ["After", "after", "ins"]];
}

/** Create a receipt of a call that changed something; null if there is none. */
export function receiptOf(changes, receipt) {
  const table = changesOf(changes, receipt?.left_out);
  if (!table && !receipt) return null;
  const title = receipt && element("p", {}, `${KINDS[receipt.kind] ?? "Changed"} `, element("code", {}, receipt.path),
    receipt.undoes ? " (undone)" : "");
  return element("section", { class: "receipt", "aria-label": "Receipt" }, ...[title, table].filter(Boolean));
}

/** The name of a field: the parts of its JSON Pointer. */
export const fieldOf = (pointer) =>
  String(pointer ?? "").split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")).join(" › ") || "everything";

function valueOf(change, moment, tag) {
  if (change.is_secret) return element("span", { class: "none" }, "hidden");
  if (!(moment in change)) return element("span", { class: "none" }, "–");
  const value = change[moment];
  return element(tag, {}, typeof value === "string" ? value : JSON.stringify(value));
}
