// The actions on a conversation, in the list and above the open one.

import { button, element } from "./dom.mjs";
import { ask, confirm, guard } from "./ui.mjs";

/** Create the menu of a conversation. */
export function conversationMenu(conversation, actions) {
  const name = conversation.title ?? "Untitled";
  const item = (label, action, attributes) => button(label, () => guard(action), attributes);
  return element("details", { class: "menu" }, element("summary", { "aria-label": `Actions for ${name}`, title: "Actions" }, "⋯"),
    element("div", { class: "menu-items" },
      item("Rename", () => actions.rename(conversation)),
      item(conversation.is_archived ? "Unarchive" : "Archive", () => actions.archive(conversation)),
      item("Export as Markdown", () => actions.export(conversation, "md")),
      item("Export as JSON", () => actions.export(conversation, "json")),
      item("Delete", () => actions.remove(conversation), { class: "danger" })));
}

/** The actions, for the present user's API; `changed(conversation)` and `removed(id)` are told what happened. */
export function conversationActions({ api, changed, removed }) {
  return {
    async rename(chosen) {
      const title = (await ask("Rename the conversation", "", chosen.title ?? "", "Rename"))?.trim();
      if (title) changed(await api().update(chosen.id, { title }));
    },
    async archive(chosen) {
      changed(await api().update(chosen.id, { is_archived: !chosen.is_archived }));
    },
    async export(chosen, format) {
      download(await api().export(chosen.id, format), `${fileName(chosen.title)}.${format}`);
    },
    async remove(chosen) {
      const text = `“${chosen.title ?? "Untitled"}” and its messages will be deleted permanently.`;
      if (!(await confirm("Delete the conversation?", text, "Delete"))) return;
      await api().remove(chosen.id);
      removed(chosen.id);
    },
  };
}

const fileName = (title) => (title ?? "").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "conversation";

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
