// The list of conversations, and the search in them.

import { conversationMenu } from "./conversation_menu.mjs";
import { $, button, element } from "./dom.mjs";
import { snippetOf } from "./snippet.mjs";
import { guard } from "./ui.mjs";

const PAGE = 30;
const LONGEST_LIST = 100;
const TYPING_MILLISECONDS = 250;

export class Sidebar {
  constructor(actions) {
    this.list = $("conversations");
    this.actions = actions;
    this.conversations = [];
    this.hasMore = false;
    this.current = null;
    this.query = "";
    $("archived").addEventListener("change", () => guard(() => this.load(this.api)));
    $("search").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => guard(() => this.search($("search").value.trim())), TYPING_MILLISECONDS);
    });
  }

  /** Show a user's newest conversations, or those that the search finds. */
  async load(api) {
    this.api = api;
    const { query } = this;
    const limit = Math.min(Math.max(PAGE, this.conversations.length), LONGEST_LIST);
    const found = await api.list({ limit, query, includeArchived: $("archived").checked });
    // Another user or another search may have come meanwhile.
    if (this.api !== api || this.query !== query) return;
    const isSame = JSON.stringify(found) === JSON.stringify(this.conversations);
    this.conversations = found;
    this.hasMore = found.length === limit;
    if (!isSame || !found.length) this.draw();
  }

  async search(query) {
    if (query === this.query) return;
    this.query = query;
    this.conversations = [];
    await this.load(this.api);
    const count = this.conversations.length;
    if (query) $("status").textContent = count === 1 ? "1 conversation found" : `${count} conversations found`;
  }

  /** Leave the search; return whether there was one. */
  closeSearch() {
    if (!$("search").value && !this.query) return false;
    $("search").value = "";
    guard(() => this.search(""));
    return true;
  }

  clear() {
    $("search").value = this.query = "";
    this.conversations = [];
    this.draw();
  }

  async loadMore() {
    const { api, query } = this;
    const asked = { offset: this.conversations.length, limit: PAGE, query, includeArchived: $("archived").checked };
    const found = await api.list(asked);
    if (this.api !== api || this.query !== query) return;
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
    const known = at >= 0 ? this.conversations.splice(at, 1)[0] : null;
    const isShown = (!conversation.is_archived || $("archived").checked) && (known || !this.query);
    if (isShown) this.conversations.unshift({ ...known, ...conversation });
    if (!this.query) this.conversations.sort((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at));
    this.draw();
  }

  drop(id) {
    this.conversations = this.conversations.filter((conversation) => conversation.id !== id);
    this.draw();
  }

  draw() {
    const focused = document.activeElement?.closest(".conversation")?.dataset.id;
    this.list.replaceChildren(...this.conversations.map((conversation) => this.item(conversation)));
    if (!this.conversations.length) this.list.append(element("p", { class: "nothing" }, this.query ? "Nothing found" : "No conversations yet"));
    if (this.hasMore) this.list.append(button("Load more", () => guard(() => this.loadMore()), { class: "quiet more" }));
    if (focused) this.list.querySelector(`[data-id="${focused}"] a`)?.focus();
  }

  item(conversation) {
    const { id, title, updated_at: updated, is_archived: isArchived, is_answering: isAnswering, snippet } = conversation;
    const name = title ?? "Untitled";
    const below = this.query && snippet ? snippetOf(snippet) : [isAnswering ? "answering …" : relativeTime(updated)];
    const link = element("a", { href: `#${id}`, title: name }, element("b", {}, name), element("small", {}, ...below));
    if (id === this.current) link.setAttribute("aria-current", "page");
    const classes = ["conversation", id === this.current && "current", isArchived && "archived"].filter(Boolean);
    return element("div", { class: classes.join(" "), "data-id": id }, link, conversationMenu(conversation, this.actions));
  }
}

function relativeTime(time) {
  const minutes = Math.floor((Date.now() - Date.parse(time)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
