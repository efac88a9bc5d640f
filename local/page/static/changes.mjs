// Shows what a call changes or has changed: each field with its value before and after.

import { element } from "./dom.mjs";

/** Create a table of changes, from a list of `{path, before, after}` or any other JSON; null if there is nothing. */
export function changesOf(changes) {
  if (changes === null || changes === undefined) return null;
  const listed = Array.isArray(changes) ? changes : (changes.fields ?? changes.changes);
  if (!Array.isArray(listed)) return element("pre", { tabindex: "0", role: "region", "aria-label": "Changes" }, JSON.stringify(changes, null, 2));
  if (!listed.length) return null;
  const rows = listed.map((change) => element("tr", {},
    element("th", { scope: "row" }, String(change.path ?? change.field ?? change.name ?? "")),
    element("td", {}, valueOf(change.before, "del")),
    element("td", {}, valueOf(change.after, "ins"))));
  const head = element("tr", {}, ...["Field", "Before", "After"].map((name) => element("th", { scope: "col" }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "table changes", tabindex: "0", role: "region", "aria-label": "Changes" }, table);
}

function valueOf(value, tag) {
  if (value === undefined || value === null) return element("span", { class: "none" }, "none");
  return element(tag, {}, typeof value === "string" ? value : JSON.stringify(value));
}
