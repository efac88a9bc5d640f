// The list of conversations.

import { button, element } from "./dom.mjs";

const PAGE = 30;

export class Sidebar {
  constructor(list, archived, actions) {
    this.list = list;
    this.archived = archived;
    this.actions = actions;
    this.conversations = [];
    this.hasMore = false;
    this.current = null;
    archived.addEventListener("change", () => this.actions.guard(() => this.load(this.api)));
    document.addEventListener("click", (event) => {
      const isChosen = event.target.closest("#conversations menu");
      for (const open of list.querySelectorAll("details[open]")) if (isChosen || !open.contains(event.target)) open.open = false;
    });
  }

  /** Show a user's newest conversations. */
  async load(api) {
    this.api = api;
    const wanted = Math.min(Math.max(PAGE, this.conversations.length), 100);
    const found = await api.list(0, wanted, this.archived.checked);
    if (this.api !== api) return;
    this.conversations = found;
    this.hasMore = found.length === wanted;
    this.draw();
  }

  clear() {
    this.conversations = [];
    this.draw();
  }

  async loadMore() {
    const found = await this.api.list(this.conversations.length, PAGE, this.archived.checked);
    const known = new Set(this.conversations.map(({ id }) => id));
    this.conversations.push(...found.filter(({ id }) => !known.has(id)));
    this.hasMore = found.length === PAGE;
    this.draw();
  }

  /** Mark the open conversation. */
  select(id) {
    this.current = id;
    this.draw();
  }

  /** Insert or move a new or changed conversation. */
  put(conversation) {
    const at = this.conversations.findIndex(({ id }) => id === conversation.id);
    if (at >= 0) this.conversations.splice(at, 1);
    if (!conversation.is_archived || this.archived.checked) this.conversations.unshift(conversation);
    this.conversations.sort((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at));
    this.draw();
  }

  drop(id) {
    this.conversations = this.conversations.filter((conversation) => conversation.id !== id);
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.conversations.map((conversation) => this.item(conversation)));
    if (!this.conversations.length) this.list.append(element("div", { class: "nothing" }, "No conversations yet"));
    if (this.hasMore) this.list.append(button("Load more", () => this.actions.guard(() => this.loadMore()), { class: "quiet more" }));
  }

  item(conversation) {
    const { id, title, updated_at: updated, is_archived: isArchived } = conversation;
    const name = title ?? "Untitled";
    const link = element("a", { href: `#${id}`, title: name }, element("b", {}, name), element("small", {}, relativeTime(updated)));
    if (id === this.current) link.setAttribute("aria-current", "page");
    const menu = element("details", {}, element("summary", { "aria-label": `Actions for ${name}` }, "⋯"),
      element("menu", {},
        button("Rename", () => this.actions.rename(conversation)),
        button(isArchived ? "Unarchive" : "Archive", () => this.actions.archive(conversation)),
        button("Delete", () => this.actions.remove(conversation), { class: "danger" })));
    const classes = ["conversation", id === this.current && "current", isArchived && "archived"].filter(Boolean);
    return element("div", { class: classes.join(" ") }, link, menu);
  }
}

function relativeTime(time) {
  const minutes = Math.floor((Date.now() - Date.parse(time)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
